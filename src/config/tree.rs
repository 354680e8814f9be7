//! The file as a tree that remembers where everything stands.

use serde_json::Value;

/// Where something stands in a file. Lines and columns begin at 1 and count characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// Which of the loaded files; the node file is 0.
    pub file: u16,
    pub line: u32,
    pub column: u32,
    /// Characters on this line.
    pub length: u32,
}

/// A value of the file.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub data: Data,
    pub span: Span,
    /// A tag such as `!ref`, not expanded yet.
    pub tag: Option<Box<str>>,
    /// Whether the text came out of a secret reference and must not be shown.
    pub secret: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Node,
}

impl Node {
    pub(crate) fn new(data: Data, span: Span) -> Self {
        Self {
            data,
            span,
            tag: None,
            secret: false,
        }
    }

    /// The entries of a map; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
    }

    /// The text, if this is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A scalar as it would be written into a text.
    pub(crate) fn scalar_text(&self) -> Option<String> {
        match &self.data {
            Data::Bool(value) => Some(value.to_string()),
            Data::Int(value) => Some(value.to_string()),
            Data::Float(value) => Some(value.to_string()),
            Data::Text(text) => Some(text.clone()),
            Data::Null | Data::List(_) | Data::Map(_) => None,
        }
    }

    /// How many nodes this is, itself included.
    pub(crate) fn size(&self) -> usize {
        1 + match &self.data {
            Data::List(items) => items.iter().map(Node::size).sum(),
            Data::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
            _ => 0,
        }
    }

    /// The same as JSON. Numbers that JSON does not have become texts, which no number is.
    pub(crate) fn to_json(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Int(value) => Value::from(*value),
            Data::Float(value) => match serde_json::Number::from_f64(*value) {
                Some(number) => Value::Number(number),
                None => Value::String(value.to_string()),
            },
            Data::Text(text) => Value::String(text.clone()),
            Data::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Data::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|e| (e.key.clone(), e.value.to_json()))
                    .collect(),
            ),
        }
    }

    /// The value at a JSON pointer.
    pub(crate) fn at(&self, pointer: &str) -> Option<&Node> {
        segments(pointer).try_fold(self, |node, segment| match &node.data {
            Data::List(items) => items.get(segment.parse::<usize>().ok()?),
            _ => node.get(&segment),
        })
    }

    /// Where a problem with the value at a JSON pointer is shown: a scalar itself, a container's
    /// key, and the nearest place above for what is not there.
    pub(crate) fn place(&self, pointer: &str) -> Span {
        let (mut node, mut place) = (self, self.span);
        for segment in segments(pointer) {
            let (next, span) = match &node.data {
                Data::List(items) => match segment.parse().ok().and_then(|i: usize| items.get(i)) {
                    Some(item) => (item, item.span),
                    None => return place,
                },
                _ => match node.entries().iter().find(|entry| entry.key == segment) {
                    Some(entry) => (&entry.value, entry.place()),
                    None => return place,
                },
            };
            (node, place) = (next, span);
        }
        place
    }

    /// Where a key stands in the map at a JSON pointer.
    pub(crate) fn key_place(&self, pointer: &str, key: &str) -> Span {
        let entry = self
            .at(pointer)
            .and_then(|n| n.entries().iter().find(|e| e.key == key));
        entry.map_or_else(|| self.place(pointer), |entry| entry.key_span)
    }
}

impl Entry {
    fn place(&self) -> Span {
        match self.value.data {
            Data::List(_) | Data::Map(_) | Data::Null => self.key_span,
            _ => self.value.span,
        }
    }
}

/// The unescaped segments of a JSON pointer.
pub(crate) fn segments(pointer: &str) -> impl Iterator<Item = String> {
    pointer
        .split('/')
        .skip(1)
        .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
}

/// A JSON pointer one segment longer.
pub(crate) fn join(pointer: &str, segment: &str) -> String {
    format!(
        "{pointer}/{}",
        segment.replace('~', "~0").replace('/', "~1")
    )
}

/// A JSON pointer as a person writes a path: `listen[0].address`.
pub(crate) fn key_path(pointer: &str) -> String {
    let mut path = String::new();
    for segment in segments(pointer) {
        if !path.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push_str(&format!("[{segment}]"));
            continue;
        }
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&segment);
    }
    path
}
