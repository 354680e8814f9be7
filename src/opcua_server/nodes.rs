//! Server nodes: what the node file declares as objects, variables and methods of the server, and
//! how they are tied to the bus. The composition root brings the ties.

mod answer;
mod insert;
mod json;
mod tied;
mod values;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use opcua::types::VariantScalarTypeId;
use serde_json::value::RawValue;

pub(crate) use tied::ServerNodes;

/// A node of the node file.
#[derive(Clone, Debug)]
pub struct ServerNode {
    /// Its resource id: the name by which roles speak of it.
    pub name: String,
    /// The resource id of the node above; nothing at the top.
    pub parent: Option<String>,
    /// Its id as the file has it, such as `ns=1;s=speed`; made from its name otherwise.
    pub node_id: Option<String>,
    /// What it is called.
    pub browse_name: String,
    /// What it is.
    pub kind: ServerNodeKind,
}

/// What a server node is.
#[derive(Clone, Debug)]
pub enum ServerNodeKind {
    /// A folder for others.
    Object,
    /// A value.
    Variable {
        /// Its type, by the standard's word.
        data_type: String,
        /// Its value before the first message.
        initial: Option<serde_json::Value>,
        /// How it is tied to the bus.
        tie: Arc<dyn Tie>,
    },
    /// Something to be called.
    Method {
        /// What it is called with, in order.
        inputs: Vec<ArgumentSpec>,
        /// What it answers, in order.
        outputs: Vec<ArgumentSpec>,
        /// How it is tied to the bus.
        tie: Arc<dyn Tie>,
    },
}

/// An argument of a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentSpec {
    /// Its name, by which its value stands in the message.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Its type, by the standard's word.
    pub data_type: String,
    /// Whether it is an array.
    pub is_array: bool,
}

/// What became of a request that was held.
#[derive(Debug)]
pub enum Held {
    /// A responder answered.
    Value(Box<RawValue>),
    /// A responder answered that it cannot be done, with its own code.
    Failed(Option<i64>),
    /// Nobody answered in time; the code is as configured.
    TimedOut(i64),
    /// As many are held as may be.
    Busy,
    /// The bus cannot be reached, or does not take the message.
    Away,
    /// The node stops.
    Stopping,
}

/// How a server node is tied to the bus.
pub trait Tie: Send + Sync + fmt::Debug {
    /// What clients may do with it.
    fn use_of(&self) -> TieUse;

    /// Holds what a client brings until somebody answers.
    fn hold<'a>(&'a self, value: Box<RawValue>, principal: &'a str) -> BoxFuture<'a, Held>;

    /// Tells what a client brings; false if the bus does not take it.
    fn tell(&self, value: Box<RawValue>) -> BoxFuture<'_, bool>;

    /// What was told last, and how long ago; an error while the bus is away.
    fn last(&self) -> Result<Option<(Arc<RawValue>, Duration)>, ()>;
}

/// What clients may do with a server node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TieUse {
    /// They get what was told.
    pub provides: bool,
    /// What they bring is told.
    pub receives: bool,
    /// What they bring is held until somebody answers.
    pub holds: bool,
}

/// The built-in type of a word of the standard; `None` for those that cannot stand in a message.
pub(crate) fn scalar(word: &str) -> Option<VariantScalarTypeId> {
    use VariantScalarTypeId as Type;
    Some(match word {
        "Boolean" => Type::Boolean,
        "SByte" => Type::SByte,
        "Byte" => Type::Byte,
        "Int16" => Type::Int16,
        "UInt16" => Type::UInt16,
        "Int32" => Type::Int32,
        "UInt32" => Type::UInt32,
        "Int64" => Type::Int64,
        "UInt64" => Type::UInt64,
        "Float" => Type::Float,
        "Double" => Type::Double,
        "String" => Type::String,
        "DateTime" => Type::DateTime,
        "ByteString" => Type::ByteString,
        "LocalizedText" => Type::LocalizedText,
        "Guid" => Type::Guid,
        _ => return None,
    })
}
