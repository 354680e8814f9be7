//! Goes through a node file and finds what names something, or fits it by a wildcard.

use mainstem_model::{GlobSet, Name};

use super::{Bearing, Mention};
use crate::tree::{Data, Node, Span, join, key_path, segments};

/// What was found.
pub(super) struct Found {
    pub(super) mentions: Vec<Mention>,
    pub(super) readers: Vec<String>,
    pub(super) by_hand: Option<String>,
}

struct Finder<'a> {
    tree: &'a Node,
    from: &'a Name,
    to: &'a Name,
    mentions: Vec<Mention>,
    /// Whether the place that gives the datapoints their name was found.
    named: bool,
    by_hand: Option<String>,
}

pub(super) fn find(tree: &Node, from: &Name, to: &Name) -> Found {
    let mut finder = Finder {
        tree,
        from,
        to,
        mentions: Vec::new(),
        named: false,
        by_hand: None,
    };
    finder.walk(tree, "");
    finder.resources();
    if !finder.named && finder.by_hand.is_none() {
        let why = format!(
            "nothing in this file is called {from}: it is renamed where its name stands, at the \
             node that it belongs to"
        );
        finder.by_hand = Some(why);
    }
    Found {
        mentions: finder.mentions,
        by_hand: finder.by_hand,
        readers: readers(tree),
    }
}

impl Finder<'_> {
    fn walk(&mut self, node: &Node, pointer: &str) {
        match &node.data {
            Data::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.walk(item, &join(pointer, &index.to_string()));
                }
            }
            Data::Map(entries) => {
                for entry in entries {
                    if pointer == "/aliases" {
                        self.old_name(&entry.key, entry.key_span, pointer);
                    }
                    self.walk(&entry.value, &join(pointer, &entry.key));
                }
            }
            Data::Text(text) => self.text(text, node.span, pointer),
            _ => {}
        }
    }

    fn text(&mut self, text: &str, span: Span, pointer: &str) {
        let path: Vec<String> = segments(pointer).collect();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["roles", _, "read" | "write", _] => self.pattern("role", text, span, pointer, None),
            ["policies", _, "match", _] => self.pattern("policy", text, span, pointer, None),
            ["policies", _, "interlock", "datapoint"] => {
                self.name("interlock", text, span, pointer)
            }
            ["roles", _, "provide"] | ["tokens", _, "provide"] => {
                self.name("provider", text, span, pointer);
            }
            ["aliases", _] => self.name("alias", text, span, pointer),
            ["resources", id, "properties", "read" | "write", _] => {
                let prefix = self.prefix_of(id);
                self.pattern("remote entry", text, span, pointer, Some(&prefix));
            }
            ["resources", _, "properties", "datapoint"] => {
                self.name("Modbus node", text, span, pointer);
            }
            ["resources", _, "properties", "connection"] => {
                self.name("endpoint's connection", text, span, pointer);
            }
            ["resources", _, "properties", key @ ("name" | "prefix")] => {
                let before = self.mentions.len();
                let what = if *key == "name" {
                    "datapoint"
                } else {
                    "prefix"
                };
                self.name(what, text, span, pointer);
                self.named |= self.mentions.len() > before;
            }
            _ => {}
        }
    }

    /// Ids of resources give names too.
    fn resources(&mut self) {
        let Some(resources) = self.tree.get("resources") else {
            return;
        };
        for entry in resources.entries() {
            let text = |key: &str| entry.value.get("properties")?.get(key)?.text();
            let kind = entry
                .value
                .get("type")
                .and_then(Node::text)
                .unwrap_or_default();
            let pointer = join("/resources", &entry.key);
            match kind.trim_start_matches("Cybus::") {
                "Connection" => self.id("adapter", &entry.key, entry.key_span, &pointer),
                "Remote" if text("prefix").is_none() => {
                    self.id("remote", &entry.key, entry.key_span, &pointer);
                }
                "Endpoint" if text("name").is_none() => {
                    let connection = text("connection").unwrap_or_default().to_owned();
                    self.endpoint(&connection, &entry.key, entry.key_span, &pointer);
                }
                _ => {}
            }
        }
    }

    fn id(&mut self, what: &'static str, id: &str, span: Span, pointer: &str) {
        if id != self.from.as_str() {
            return;
        }
        self.named = true;
        if Name::component(self.to.as_str()).is_err() {
            let why = format!("{} is no name for the {what} {id}: it is one word", self.to);
            self.by_hand = Some(why);
        }
        self.push(what, id, span, pointer, Some(self.to.to_string()));
    }

    /// An endpoint without `name:` is called after its connection and its id.
    fn endpoint(&mut self, connection: &str, id: &str, span: Span, pointer: &str) {
        if format!("{connection}.{id}") != self.from.as_str() {
            return;
        }
        self.named = true;
        let becomes = self.to.strip(connection).map(str::to_owned);
        if becomes.is_none() {
            let why = format!(
                "{} is called after its connection and its id: give the endpoint `name: {}` and \
                 put the alias in by hand",
                self.from, self.to
            );
            self.by_hand = Some(why);
        }
        self.push("endpoint", id, span, pointer, becomes);
    }

    fn old_name(&mut self, from: &str, span: Span, pointer: &str) {
        if from == self.from.as_str() {
            self.by_hand = Some(format!(
                "{from} is an old name already: rename what it leads to"
            ));
            self.push("alias", from, span, &join(pointer, from), None);
        }
    }

    fn name(&mut self, what: &'static str, text: &str, span: Span, pointer: &str) {
        let becomes = replaced(text, self.from.as_str(), self.to.as_str());
        if becomes.is_some() {
            self.push(what, text, span, pointer, becomes);
        }
    }

    fn pattern(
        &mut self,
        what: &'static str,
        text: &str,
        span: Span,
        pointer: &str,
        prefix: Option<&str>,
    ) {
        let own = |name: &Name| match prefix {
            Some(prefix) => name.strip(prefix).map(str::to_owned),
            None => Some(name.to_string()),
        };
        let (Some(from), Some(to)) = (own(self.from), own(self.to)) else {
            return;
        };
        let (mark, pattern) = match text.strip_prefix('!') {
            Some(pattern) => ("!", pattern),
            None => ("", text),
        };
        if let Some(becomes) = replaced(pattern, &from, &to) {
            let becomes = format!("{mark}{becomes}");
            return self.push(what, text, span, pointer, Some(becomes));
        }
        let Ok(set) = GlobSet::new(&[pattern]) else {
            return;
        };
        let bearing = match (set.touches(&from), set.touches(&to)) {
            (true, true) => Bearing::StillFits,
            (true, false) => Bearing::NoLongerFits,
            (false, true) => Bearing::BeginsToFit,
            (false, false) => return,
        };
        self.push(what, text, span, pointer, None);
        if let Some(last) = self.mentions.last_mut() {
            last.bearing = bearing;
            let gives_rights = what != "policy" && mark.is_empty();
            last.widens = bearing == Bearing::BeginsToFit && gives_rights;
        }
    }

    fn push(
        &mut self,
        what: &'static str,
        text: &str,
        span: Span,
        pointer: &str,
        becomes: Option<String>,
    ) {
        self.mentions.push(Mention {
            line: span.line,
            column: span.column,
            key: key_path(pointer),
            what,
            text: text.to_owned(),
            bearing: Bearing::Names,
            becomes,
            widens: false,
        });
    }

    fn prefix_of(&self, id: &str) -> String {
        let pointer = join(&join("/resources", id), "properties/prefix");
        let prefix = self.tree.at(&pointer).and_then(Node::text);
        prefix.unwrap_or(id).to_owned()
    }
}

/// A name or pattern that begins with an old name, with the new one there.
fn replaced(text: &str, from: &str, to: &str) -> Option<String> {
    let rest = text.strip_prefix(from)?;
    (rest.is_empty() || rest.starts_with('.')).then(|| format!("{to}{rest}"))
}

/// The tokens with which other nodes may open a link.
fn readers(tree: &Node) -> Vec<String> {
    let Some(Data::List(tokens)) = tree.get("tokens").map(|tokens| &tokens.data) else {
        return Vec::new();
    };
    let opens_links = |role: &str| {
        let link = tree.at(&join(&join("/roles", role), "link"));
        let says = link.is_some_and(|link| matches!(link.data, Data::Bool(true)));
        says || matches!(role, "admin" | "concentrator")
    };
    let reader = |token: &Node| {
        let role = token.get("role")?.text()?;
        opens_links(role).then(|| token.get("name")?.text().map(str::to_owned))?
    };
    tokens.iter().filter_map(reader).collect()
}
