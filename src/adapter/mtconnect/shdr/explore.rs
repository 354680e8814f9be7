//! Reading a key of an adapter that is in no file yet. An adapter does not tell what it has.

use mainstem_adapter::Explore;
use mainstem_adapter::explore::{Guide, Target, Wish, host_and_port};
use serde_json::{Value, json};

/// What `adapters try` does with SHDR.
pub(super) struct ShdrExplore;

impl Explore for ShdrExplore {
    fn guide(&self) -> Guide {
        Guide {
            url: "shdr://HOST[:7878]",
            addresses: &["Xact", "execution", "lathe:Xact"],
            words: &[],
            can_browse: false,
        }
    }

    fn connection(&self, url: &str) -> Result<Value, String> {
        let at = host_and_port(url, &["shdr"])?;
        Ok(json!({ "host": at.host, "port": at.port.unwrap_or(7878) }))
    }

    fn targets(&self, wish: &Wish<'_>) -> Result<Vec<Target>, String> {
        if wish.address.trim().is_empty() {
            return Err("a key of a data item is missing, such as Xact".to_owned());
        }
        let mut operation = json!({ "key": wish.address });
        let value_type = wish.data_type.and_then(|word| word.parse().ok());
        // What is no type of this program is one of the protocol.
        if let (Some(word), None) = (wish.data_type, value_type) {
            operation["dataType"] = json!(word);
        }
        Ok(vec![Target {
            address: wish.address.to_owned(),
            operation,
            value_type,
        }])
    }
}
