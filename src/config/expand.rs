//! Expands `!ref`, `!sub`, `!merge`, `<<` and `definitions:`.

mod merge;
mod own;
pub(crate) mod substitute;

use std::collections::{HashMap, HashSet};

use crate::limits::{DEPTH_MAX, NODES_MAX};
use crate::nearest::nearest;
use crate::report::Report;
use crate::tree::{Data, Entry, Node, Span, join};

/// The tags of the service file's grammar.
const TAGS: [&str; 3] = ["!ref", "!sub", "!merge"];

/// An expanded file.
pub(crate) struct Expanded {
    /// Without `definitions:`.
    pub(crate) tree: Node,
    /// The definition that replaces the root of the topics of this file's resources.
    pub(crate) mqtt_root: Option<String>,
}

/// Expands a tree; what cannot be expanded is reported and left out.
pub(crate) fn expand(mut root: Node, report: &mut Report) -> Expanded {
    let Data::Map(entries) = &mut root.data else {
        return Expanded {
            tree: root,
            mqtt_root: None,
        };
    };
    let named = own::named(entries);
    let at = entries.iter().position(|entry| entry.key == "definitions");
    let definitions = at.map(|at| entries.remove(at));
    let mut expander = Expander {
        resources: ids(entries),
        written: definitions
            .map(|entry| definition_nodes(entry, report))
            .unwrap_or_default(),
        ready: HashMap::new(),
        open: Vec::new(),
        nodes: 0,
        full: false,
        report,
    };
    let mqtt_root = expander.define_own(named);
    // Also those that nothing refers to: a mistake in them is one all the same.
    // Sorted, so that the same file gives the same report each time.
    let mut names: Vec<String> = expander.written.keys().cloned().collect();
    names.sort_unstable();
    for name in names {
        expander.definition(&name);
    }
    expander.nodes = 0;
    let span = root.span;
    let tree = expander
        .node(root, "", 0)
        .unwrap_or_else(|| Node::new(Data::Map(Vec::new()), span));
    Expanded { tree, mqtt_root }
}

fn ids(entries: &[Entry]) -> HashSet<String> {
    let resources = entries.iter().find(|entry| entry.key == "resources");
    let entries = resources
        .map(|entry| entry.value.entries())
        .unwrap_or_default();
    entries.iter().map(|entry| entry.key.clone()).collect()
}

fn definition_nodes(entry: Entry, report: &mut Report) -> HashMap<String, Node> {
    match entry.value.data {
        Data::Map(entries) => entries
            .into_iter()
            .map(|entry| (entry.key, entry.value))
            .collect(),
        Data::Null => HashMap::new(),
        _ => {
            let expected = "names with their values, such as `plant: hall3`";
            report.at(
                entry.key_span,
                "/definitions",
                "`definitions` is no map",
                expected,
            );
            HashMap::new()
        }
    }
}

struct Expander<'a> {
    resources: HashSet<String>,
    written: HashMap<String, Node>,
    // Expanded definitions with their sizes; `None` for one that is wrong and was reported.
    ready: HashMap<String, Option<(Node, usize)>>,
    // Definitions being expanded, the outermost first.
    open: Vec<String>,
    nodes: usize,
    full: bool,
    report: &'a mut Report,
}

impl Expander<'_> {
    /// A definition, expanded once.
    fn definition(&mut self, name: &str) -> Option<Node> {
        if !self.ready.contains_key(name) {
            let node = self.written.get(name)?.clone();
            self.open.push(name.to_owned());
            let pointer = join("/definitions", name);
            let expanded = self.node(node, &pointer, 1);
            self.open.pop();
            let expanded = expanded.map(|node| {
                let size = node.size();
                (node, size)
            });
            self.ready.insert(name.to_owned(), expanded);
        }
        let (node, size) = self.ready.get(name)?.as_ref()?;
        let (span, size) = (node.span, *size);
        if self.nodes + size > NODES_MAX {
            self.report_full(span, &join("/definitions", name), 0);
            return None;
        }
        self.nodes += size;
        self.ready.get(name)?.as_ref().map(|(node, _)| node.clone())
    }

    fn node(&mut self, node: Node, pointer: &str, depth: usize) -> Option<Node> {
        self.nodes += 1;
        if depth > DEPTH_MAX || self.nodes > NODES_MAX {
            self.report_full(node.span, pointer, depth);
            return None;
        }
        match node.tag.as_deref() {
            None => self.children(node, pointer, depth),
            Some("!ref") => self.reference(&node, pointer, depth),
            Some("!sub") => self.substitute(node, pointer),
            Some("!merge") => self.merge(node, pointer, depth),
            Some(tag) => {
                let near = nearest(tag, TAGS).map(str::to_owned);
                let message = format!("unknown tag `{tag}`");
                self.report.near(
                    node.span,
                    pointer,
                    message,
                    "`!ref`, `!sub` or `!merge`",
                    near,
                );
                None
            }
        }
    }

    fn report_full(&mut self, span: Span, pointer: &str, depth: usize) {
        if std::mem::replace(&mut self.full, true) {
            return;
        }
        let message = if depth > DEPTH_MAX {
            format!("nested deeper than {DEPTH_MAX} levels after `!ref` and `!merge`")
        } else {
            format!("more than {NODES_MAX} values after `!ref` and `!merge`")
        };
        self.report
            .at(span, pointer, message, "a smaller configuration");
    }

    fn children(&mut self, mut node: Node, pointer: &str, depth: usize) -> Option<Node> {
        node.data = match node.data {
            Data::List(items) => {
                let items = items.into_iter().enumerate();
                let expand = |(index, item): (usize, Node)| {
                    self.node(item, &join(pointer, &index.to_string()), depth + 1)
                };
                Data::List(items.filter_map(expand).collect())
            }
            Data::Map(entries) => Data::Map(self.entries(entries, pointer, depth)),
            Data::Text(text) => {
                self.forgotten_sub(&text, node.span, pointer);
                Data::Text(text)
            }
            scalar => scalar,
        };
        Some(node)
    }

    fn reference(&mut self, node: &Node, pointer: &str, depth: usize) -> Option<Node> {
        let Some(name) = node.text() else {
            let expected = "the name of a definition or the id of a resource";
            self.report
                .at(node.span, pointer, "`!ref` without a name", expected);
            return None;
        };
        if self.open.iter().any(|open| open == name) {
            let circle = self.open.join("` -> `");
            let message = format!("`{circle}` -> `{name}` is a circle of references");
            self.report.at(
                node.span,
                pointer,
                message,
                "definitions that end somewhere",
            );
            return None;
        }
        if self.written.contains_key(name) {
            let mut found = self.definition(name)?;
            if depth + height(&found) > DEPTH_MAX {
                self.report_full(node.span, pointer, DEPTH_MAX + 1);
                return None;
            }
            if !matches!(found.data, Data::List(_) | Data::Map(_)) {
                // A scalar is judged where it is used: that is where the wrong one was chosen.
                found.span = node.span;
            }
            return Some(found);
        }
        if self.resources.contains(name) {
            return Some(Node::new(Data::Text(name.to_owned()), node.span));
        }
        self.unknown(name, node.span, pointer);
        None
    }

    fn unknown(&mut self, name: &str, span: Span, pointer: &str) {
        let known = self
            .written
            .keys()
            .chain(&self.resources)
            .map(String::as_str);
        let near = nearest(name, known).map(str::to_owned);
        let expected = if name.contains("::") {
            "a name of this file; a node file refers to no other service"
        } else {
            "a name below `definitions:` or `resources:`"
        };
        let message = format!("nothing is called `{name}`");
        self.report.near(span, pointer, message, expected, near);
    }
}

fn height(node: &Node) -> usize {
    match &node.data {
        Data::List(items) => 1 + items.iter().map(height).max().unwrap_or(0),
        Data::Map(entries) => 1 + entries.iter().map(|e| height(&e.value)).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
