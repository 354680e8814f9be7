//! A row of what was tried: an address, and what its content may mean.

use mainstem_model::{Quality, Timestamp, Value, ValueType};

use super::Answer;

/// What one address holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The address as it is shown.
    pub address: String,
    /// The bytes, where there are any before a type is chosen.
    pub bytes: Option<Vec<u8>>,
    /// What they may mean. Rows of one kind use the same labels, which become columns.
    pub views: Vec<View>,
    /// What the device says about it.
    pub quality: Quality,
    /// The device's stamp, if it has one.
    pub source_time: Option<Timestamp>,
    /// When the answer came; `None` if none did.
    pub at: Option<Timestamp>,
}

/// One meaning of an address.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The type as the kind writes it, with the order of words where there is one: `f32 CDAB`.
    pub label: String,
    /// The value, if it has one in this meaning.
    pub value: Value,
    /// Whether somebody may have meant this: what is not plausible is shown only on request.
    pub plausible: bool,
    /// The content of `subscribe:` that reads it so.
    pub operation: serde_json::Value,
    /// The `type:` beside it, where the kind's own is not the wanted one.
    pub value_type: Option<ValueType>,
}

impl Tried {
    /// A row of a part of an answer, such as a member of a document.
    pub fn part(answer: &Answer, address: String, views: Vec<View>) -> Self {
        Self {
            address,
            views,
            ..Self::plain(answer)
        }
    }

    /// The answer with its one value, for kinds whose devices say the type themselves.
    pub fn plain(answer: &Answer) -> Self {
        let view = answer.value.clone().map(|value| View {
            label: answer.value_type.to_string(),
            value,
            plausible: true,
            operation: answer.target.operation.clone(),
            value_type: answer.target.value_type,
        });
        Self {
            address: answer.target.address.clone(),
            bytes: None,
            views: view.into_iter().collect(),
            quality: answer.quality,
            source_time: answer.source_time,
            at: answer.at,
        }
    }
}
