//! Browse paths as people write them: `/0:Objects/2:Line/2:Speed`, or `2:Line/Speed` from the
//! folder Objects.

use std::str::FromStr;

use crate::node_address::{Namespace, NodeAddress};

/// Steps of a path.
const STEPS_MAX: usize = 64;
/// Bytes of a path.
const TEXT_BYTES_MAX: usize = 8192;

/// A way through the address space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BrowsePath {
    /// Whether it starts at the root, or at the folder Objects.
    pub(crate) from_root: bool,
    /// The names on the way.
    pub(crate) steps: Vec<Step>,
}

/// One name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Its namespace.
    pub(crate) namespace: Namespace,
    /// The name.
    pub(crate) name: String,
}

/// How a node is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// By its id.
    Node(NodeAddress),
    /// By its place.
    Path(BrowsePath),
}

/// A text that is no browse path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BrowsePathError(&'static str);

impl FromStr for BrowsePath {
    type Err = BrowsePathError;

    fn from_str(text: &str) -> Result<Self, BrowsePathError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(BrowsePathError("a browse path has at most 8192 bytes"));
        }
        let (from_root, mut rest) = match text.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut steps: Vec<Step> = Vec::new();
        loop {
            let before = steps.last().map(|step| step.namespace.clone());
            let (step, after) = step(rest, before)?;
            steps.push(step);
            if steps.len() > STEPS_MAX {
                return Err(BrowsePathError("a browse path has at most 64 names"));
            }
            match after {
                Some(after) => rest = after,
                None => break,
            }
        }
        Ok(Self { from_root, steps })
    }
}

impl BrowsePath {
    /// The path without its last name: where a method's object is.
    pub(crate) fn parent(&self) -> Option<Self> {
        let (_, steps) = self.steps.split_last()?;
        (!steps.is_empty()).then(|| Self {
            from_root: self.from_root,
            steps: steps.to_vec(),
        })
    }
}

// `2:Name`, `nsu=<uri>;Name`, or `Name` in the namespace of the step before. `&` takes the next
// character as it is (part 4, annex A.2).
fn step(text: &str, before: Option<Namespace>) -> Result<(Step, Option<&str>), BrowsePathError> {
    let mut namespace = before.unwrap_or(Namespace::Index(0));
    let mut name = text;
    if let Some(rest) = text.strip_prefix("nsu=") {
        let (uri, rest) = rest
            .split_once(';')
            .ok_or(BrowsePathError("nsu= needs a semicolon"))?;
        if uri.is_empty() {
            return Err(BrowsePathError("nsu= needs a URI"));
        }
        (namespace, name) = (
            Namespace::Uri(uri.replace("%3B", ";").replace("%25", "%")),
            rest,
        );
    } else if let Some((index, rest)) = text.split_once(':')
        && !index.is_empty()
        && index.bytes().all(|byte| byte.is_ascii_digit())
    {
        let index = index
            .parse()
            .map_err(|_| BrowsePathError("a namespace is 0 to 65535"))?;
        (namespace, name) = (Namespace::Index(index), rest);
    }
    let mut plain = String::new();
    let mut characters = name.char_indices();
    let mut after = None;
    while let Some((at, character)) = characters.next() {
        match character {
            '/' => {
                after = Some(&name[at + 1..]);
                break;
            }
            '&' => match characters.next() {
                Some((_, escaped)) => plain.push(escaped),
                None => return Err(BrowsePathError("nothing follows the last &")),
            },
            other => plain.push(other),
        }
    }
    if plain.is_empty() {
        return Err(BrowsePathError("a name is missing"));
    }
    Ok((
        Step {
            namespace,
            name: plain,
        },
        after,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Vec<(Namespace, String)> {
        let path: BrowsePath = text.parse().unwrap();
        path.steps
            .into_iter()
            .map(|step| (step.namespace, step.name))
            .collect()
    }

    #[test]
    fn names_take_the_namespace_before_them() {
        let index = Namespace::Index;
        let path: BrowsePath = "/0:Objects/2:Line/Speed".parse().unwrap();
        assert!(path.from_root);
        assert_eq!(path.parent().unwrap().steps.len(), 2);
        let name = |index_: u16, name: &str| (index(index_), name.to_owned());
        assert_eq!(
            steps("/0:Objects/2:Line/Speed"),
            [name(0, "Objects"), name(2, "Line"), name(2, "Speed")]
        );
        assert_eq!(
            steps("Server/2:a&/b&&c"),
            [name(0, "Server"), name(2, "a/b&c")]
        );
        assert_eq!(steps("3:a:b"), [name(3, "a:b")]);
        let by_uri = (Namespace::Uri("http://x/y".into()), "Speed".to_owned());
        assert_eq!(steps("nsu=http://x/y;Speed"), [by_uri]);
        assert!(!"Server".parse::<BrowsePath>().unwrap().from_root);
    }

    #[test]
    fn what_is_no_path_says_why() {
        for (text, part) in [
            ("", "name"),
            ("/", "name"),
            ("a//b", "name"),
            ("a/", "name"),
            ("70000:a", "65535"),
            ("nsu=;a", "URI"),
            ("nsu=a", "semicolon"),
            ("a&", "follows"),
        ] {
            let message = text.parse::<BrowsePath>().unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
        assert!("a/".repeat(65).parse::<BrowsePath>().is_err());
        assert!("x".repeat(8193).parse::<BrowsePath>().is_err());
    }
}
