//! YAML to the tree, with limits; every duplicate key is reported.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr::Scalar;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span as YamlSpan, Tag};

use crate::limits::{DEPTH_MAX, NODES_MAX};
use crate::report::Report;
use crate::tree::{Data, Entry, Node, Span, join};

/// Parses a file. What cannot be read further is reported and gives no tree.
pub(crate) fn parse(text: &str, report: &mut Report) -> Option<Node> {
    let mut builder = Builder {
        report,
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
    };
    let mut parser = Parser::new_from_str(text);
    let mut root = None;
    while let Some(event) = parser.next_event() {
        let step = event.map_err(Stop::from).and_then(|(event, span)| {
            let done = builder.take(event, span)?;
            match (done, root.is_some()) {
                (Some(node), true) => Err(Stop::second_document(node.span)),
                (Some(node), false) => {
                    root = Some(node);
                    Ok(())
                }
                (None, _) => Ok(()),
            }
        });
        if let Err(stop) = step {
            report.at(stop.span, "", stop.message, stop.expected);
            return None;
        }
    }
    if root.is_none() {
        let expected = "at least `version: 1` and `node:` with a `name`";
        report.at(
            Span {
                line: 1,
                column: 1,
                ..Span::default()
            },
            "",
            "the file is empty",
            expected,
        );
    }
    root
}

/// Why parsing cannot go on.
struct Stop {
    span: Span,
    message: String,
    expected: &'static str,
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        let span = Span {
            length: 1,
            ..place(*error.marker())
        };
        let message = format!("this is not YAML: {}", error.info());
        Self {
            span,
            message,
            expected: "valid YAML 1.2; look at the indentation and the quotes",
        }
    }
}

impl Stop {
    fn second_document(span: Span) -> Self {
        let message = "a second document begins here".to_owned();
        Self {
            span,
            message,
            expected: "one document in the file, so no `---` within it",
        }
    }
}

/// A list or map that is not closed yet.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<(String, Span)>,
    seen: HashMap<String, Span>,
}

struct Builder<'a> {
    report: &'a mut Report,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl Builder<'_> {
    /// Takes an event; gives the root when it is complete.
    fn take(&mut self, event: Event<'_>, at: YamlSpan) -> Result<Option<Node>, Stop> {
        let span = span_of(at);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = scalar(&text, style, tag.as_deref(), span);
                self.done(node, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(Data::List(Vec::new()), anchor, tag.as_deref(), span)
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(Data::Map(Vec::new()), anchor, tag.as_deref(), span)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.done(open.node, open.anchor),
                None => Ok(None),
            },
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => self.alias(node, span),
                None => Err(Stop {
                    span,
                    message: "an alias within its own anchor".into(),
                    expected: "an alias of something that ended before",
                }),
            },
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(None),
        }
    }

    fn begin(
        &mut self,
        data: Data,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<Option<Node>, Stop> {
        if self.open.len() >= DEPTH_MAX {
            let message = format!("nested deeper than {DEPTH_MAX} levels");
            return Err(Stop {
                span,
                message,
                expected: "a flatter file",
            });
        }
        let mut node = Node::new(data, Span { length: 1, ..span });
        node.tag = custom_tag(tag);
        self.open.push(Open {
            node,
            anchor,
            key: None,
            seen: HashMap::new(),
        });
        Ok(None)
    }

    fn alias(&mut self, mut node: Node, span: Span) -> Result<Option<Node>, Stop> {
        // Counted before it is put in: a few nested aliases would otherwise fill the memory.
        self.nodes += node.size();
        node.span = span;
        self.done(node, 0)
    }

    fn done(&mut self, node: Node, anchor: usize) -> Result<Option<Node>, Stop> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!("more than {NODES_MAX} values, aliases counted as often as used");
            return Err(Stop {
                span: node.span,
                message,
                expected: "a smaller file",
            });
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            return Ok(Some(node));
        };
        match &mut open.node.data {
            Data::List(items) => items.push(node),
            Data::Map(entries) => match open.key.take() {
                Some((key, key_span)) => match open.seen.get(&key).copied() {
                    Some(first) => self.duplicate(&key, key_span, first),
                    None => {
                        open.seen.insert(key.clone(), key_span);
                        entries.push(Entry {
                            key,
                            key_span,
                            value: node,
                        });
                    }
                },
                None => open.key = Some((key_text(&node)?, node.span)),
            },
            _ => {}
        }
        Ok(None)
    }

    fn duplicate(&mut self, key: &str, span: Span, first: Span) {
        let pointer = self.open.iter().fold(String::new(), |pointer, open| {
            match (&open.node.data, &open.key) {
                (Data::List(items), _) => join(&pointer, &items.len().to_string()),
                (_, Some((key, _))) => join(&pointer, key),
                (_, None) => pointer,
            }
        });
        self.report
            .duplicate(&join(&pointer, key), key, span, first);
    }
}

fn key_text(node: &Node) -> Result<String, Stop> {
    node.scalar_text()
        .filter(|_| node.tag.is_none())
        .ok_or_else(|| Stop {
            span: node.span,
            message: "a key that is no text".into(),
            expected: "a word, and a colon behind it",
        })
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Node {
    let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
    // What a tag of ours stands before is a name, even if it looks like a number.
    let raw = style != ScalarStyle::Plain || is_text || custom_tag(tag).is_some();
    let data = if raw {
        Data::Text(text.to_owned())
    } else if text.is_empty() {
        Data::Null
    } else {
        match Scalar::parse_from_cow(Cow::Borrowed(text)) {
            Scalar::Null => Data::Null,
            Scalar::Boolean(value) => Data::Bool(value),
            Scalar::Integer(value) => Data::Int(value),
            Scalar::FloatingPoint(value) => Data::Float(value.into_inner()),
            Scalar::String(text) => Data::Text(text.into_owned()),
        }
    };
    Node {
        tag: custom_tag(tag),
        ..Node::new(data, span)
    }
}

fn custom_tag(tag: Option<&Tag>) -> Option<Box<str>> {
    let tag = tag.filter(|tag| !tag.is_yaml_core_schema())?;
    Some(tag.to_string().into())
}

fn place(marker: Marker) -> Span {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (line, column) = (
        number(marker.line()),
        number(marker.col()).saturating_add(1),
    );
    Span {
        file: 0,
        line: line.max(1),
        column,
        length: 0,
    }
}

fn span_of(span: YamlSpan) -> Span {
    let length = if span.start.line() == span.end.line() {
        span.end.col().saturating_sub(span.start.col()).max(1)
    } else {
        1
    };
    Span {
        length: u32::try_from(length).unwrap_or(u32::MAX),
        ..place(span.start)
    }
}
