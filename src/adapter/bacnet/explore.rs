//! The first hour with a device: which devices there are, and which objects one of them has.

mod walk;

use mainstem_adapter::explore::{
    BrowseAsk, ExploreError, Finds, Guide, Target, Wish, host_and_port,
};
use mainstem_adapter::{BoxFuture, Explore};
use serde_json::{Value, json};

use crate::address::PORT;
use crate::codec::INSTANCE_MAX;
use crate::data_type;
use crate::names;

/// Neighbours that one wish may have.
const COUNT_MAX: usize = 1_000;

/// What `adapters try` and `adapters browse` do with BACnet.
pub(crate) struct BacnetExplore;

impl Explore for BacnetExplore {
    fn guide(&self) -> Guide {
        Guide {
            url: "bacnet://HOST[:47808][/DEVICE-INSTANCE]",
            addresses: &[
                "analog-input,1",
                "analog-input,1/object-name",
                "device,2101/vendor-name",
            ],
            words: &[
                ("instance", "deviceInstance"),
                ("network", "network"),
                ("mac", "mac"),
                ("interface", "localInterface"),
            ],
            can_browse: true,
        }
    }

    fn connection(&self, url: &str) -> Result<Value, String> {
        let at = host_and_port(url, &["bacnet"])?;
        let instance = match at.path.trim_matches('/') {
            "" => INSTANCE_MAX,
            text => {
                let number = text.parse().ok().filter(|number| *number <= INSTANCE_MAX);
                number
                    .ok_or_else(|| format!("`{text}` is no instance of a device: 0 to 4194302"))?
            }
        };
        let address = format!("{}:{}", at.host, at.port.unwrap_or(PORT));
        Ok(json!({ "deviceInstance": instance, "deviceAddress": address }))
    }

    fn targets(&self, wish: &Wish<'_>) -> Result<Vec<Target>, String> {
        let (object, property) = wish.address.split_once('/').unwrap_or((wish.address, ""));
        let first = data_type::object(object).ok_or_else(|| {
            format!(
                "`{}` is no address such as analog-input,1 or analog-input,1/units",
                wish.address
            )
        })?;
        let kind = names::kind_text(first.kind);
        if !property.is_empty() && names::property(property).is_none() {
            return Err(format!("there is no property `{property}`"));
        }
        let count = u32::try_from(wish.count.clamp(1, COUNT_MAX)).unwrap_or(1);
        let last = first.instance.saturating_add(count - 1).min(INSTANCE_MAX);
        let target = |instance: u32| {
            let mut operation = json!({ "objectType": kind, "objectInstance": instance });
            let mut address = format!("{kind},{instance}");
            if !property.is_empty() {
                operation["property"] = json!(property);
                address = format!("{address}/{property}");
            }
            let value_type = wish.data_type.and_then(|word| word.parse().ok());
            // What is no type of this program is one of the protocol.
            if let (Some(word), None) = (wish.data_type, value_type) {
                operation["dataType"] = json!(word);
            }
            Target {
                address,
                operation,
                value_type,
            }
        };
        Ok((first.instance..=last).map(target).collect())
    }

    fn browse<'a>(
        &'a self,
        ask: &'a BrowseAsk,
        finds: &'a mut Finds,
    ) -> BoxFuture<'a, Result<(), ExploreError>> {
        match ask.start.as_deref() {
            Some("devices") => Box::pin(walk::devices(ask, finds)),
            _ => Box::pin(walk::objects(ask, finds)),
        }
    }
}
