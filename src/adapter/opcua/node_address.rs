//! Node ids as people write them: `ns=2;s=Line1.Speed`, `nsu=urn:plant;i=42`.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Bytes of a node id as text; the identifier itself may have 4096 (part 3, 8.2.4).
const TEXT_BYTES_MAX: usize = 8192;

/// A node of a server, before its namespace is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeAddress {
    /// Where the identifier counts.
    pub(crate) namespace: Namespace,
    /// The identifier.
    pub(crate) identifier: Identifier,
}

/// A namespace, by its index in the server or by its URI, which survives a reordering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Namespace {
    /// `ns=2`.
    Index(u16),
    /// `nsu=urn:plant`.
    Uri(String),
}

/// The four kinds of identifiers (part 3, 8.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identifier {
    /// `i=42`.
    Numeric(u32),
    /// `s=Line1.Speed`.
    Text(String),
    /// `g=09087e75-8e5e-499b-954f-f2a9603db28a`.
    Guid(uuid::Uuid),
    /// `b=` and base64.
    Opaque(Vec<u8>),
}

/// A text that is no node id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NodeAddressError(String);

fn error(message: impl Into<String>) -> NodeAddressError {
    NodeAddressError(message.into())
}

impl FromStr for NodeAddress {
    type Err = NodeAddressError;

    fn from_str(text: &str) -> Result<Self, NodeAddressError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(error(format!(
                "a node id has at most {TEXT_BYTES_MAX} bytes"
            )));
        }
        let (namespace, rest) = if let Some(rest) = text.strip_prefix("ns=") {
            let (index, rest) = split(rest)?;
            let index = index
                .parse()
                .map_err(|_| error("ns= needs a number from 0 to 65535"))?;
            (Namespace::Index(index), rest)
        } else if let Some(rest) = text.strip_prefix("nsu=") {
            let (uri, rest) = split(rest)?;
            if uri.is_empty() {
                return Err(error("nsu= needs a namespace URI"));
            }
            (
                Namespace::Uri(uri.replace("%3B", ";").replace("%25", "%")),
                rest,
            )
        } else {
            (Namespace::Index(0), text)
        };
        Ok(Self {
            namespace,
            identifier: identifier(rest)?,
        })
    }
}

fn split(rest: &str) -> Result<(&str, &str), NodeAddressError> {
    rest.split_once(';')
        .ok_or_else(|| error("a semicolon must follow the namespace"))
}

fn identifier(text: &str) -> Result<Identifier, NodeAddressError> {
    let (kind, value) = text
        .split_once('=')
        .ok_or_else(|| error("the identifier (i=, s=, g= or b=) is missing"))?;
    Ok(match kind {
        "i" => Identifier::Numeric(
            value
                .parse()
                .map_err(|_| error("i= needs a number from 0 to 4294967295"))?,
        ),
        "s" if !value.is_empty() => Identifier::Text(value.to_owned()),
        "s" => return Err(error("s= needs a text")),
        "g" => Identifier::Guid(value.parse().map_err(|_| error("g= needs a GUID"))?),
        "b" => Identifier::Opaque(BASE64.decode(value).map_err(|_| error("b= needs base64"))?),
        _ => return Err(error(format!("{kind}= is no kind of identifier"))),
    })
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Namespace::Index(0) => {}
            Namespace::Index(index) => write!(f, "ns={index};")?,
            Namespace::Uri(uri) => {
                write!(f, "nsu={};", uri.replace('%', "%25").replace(';', "%3B"))?;
            }
        }
        match &self.identifier {
            Identifier::Numeric(number) => write!(f, "i={number}"),
            Identifier::Text(text) => write!(f, "s={text}"),
            Identifier::Guid(guid) => write!(f, "g={guid}"),
            Identifier::Opaque(bytes) => write!(f, "b={}", BASE64.encode(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_ids_come_back() {
        for text in [
            "i=2258",
            "ns=2;i=4294967295",
            "ns=2;s=Line1.Speed;unit=rpm",
            "ns=65535;g=09087e75-8e5e-499b-954f-f2a9603db28a",
            "ns=3;b=AAEC/w==",
            "nsu=urn:plant%3Bone%25;s=a=b",
        ] {
            assert_eq!(text.parse::<NodeAddress>().unwrap().to_string(), text);
        }
        let NodeAddress { namespace, .. } = "nsu=urn:a%3Bb;i=1".parse().unwrap();
        assert_eq!(namespace, Namespace::Uri("urn:a;b".into()));
    }

    #[test]
    fn what_is_no_node_id_says_why() {
        for (text, part) in [
            ("", "identifier"),
            ("Temperature", "identifier"),
            ("ns=2", "semicolon"),
            ("ns=70000;i=1", "65535"),
            ("ns=2;i=-1", "4294967295"),
            ("ns=2;s=", "text"),
            ("ns=2;x=1", "no kind"),
            ("ns=2;g=12", "GUID"),
            ("ns=2;b=***", "base64"),
            ("nsu=;i=1", "URI"),
        ] {
            let message = text.parse::<NodeAddress>().unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
        assert!(
            format!("s={}", "x".repeat(TEXT_BYTES_MAX))
                .parse::<NodeAddress>()
                .is_err()
        );
    }
}
