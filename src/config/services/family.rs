//! Who is below whom: each node has a parent, and in the end a server.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::load::Draft;
use crate::names::type_of;
use crate::nearest::nearest;
use crate::schema::one_of;
use crate::tree::join;

/// Servers and nodes with their parents.
pub(super) struct Family(HashMap<String, Member>);

struct Member {
    kind: String,
    parent: Option<String>,
}

/// The types of servers, each with those of what may be below it.
const BELOW: [(&str, &[&str]); 3] = [
    ("Server::Http", &["Node::Http"]),
    ("Server::Modbus", &["Node::Modbus"]),
    ("Server::Opcua", &["Node::Opcua", "Node::OpcuaObject"]),
];

impl Family {
    pub(super) fn read(draft: &mut Draft<'_>) -> Self {
        let json = draft.json;
        let mut members = HashMap::new();
        let Some(Value::Object(all)) = json.get("resources") else {
            return Self(members);
        };
        for (id, resource) in all {
            let Some(kind) = type_of(resource).filter(|kind| server_type(kind).is_some()) else {
                continue;
            };
            let parent = resource
                .pointer("/properties/parent")
                .and_then(Value::as_str);
            let member = Member {
                kind: kind.to_owned(),
                parent: parent.map(str::to_owned),
            };
            members.insert(id.clone(), member);
        }
        let family = Self(members);
        for id in all.keys() {
            family.check(draft, id);
        }
        family
    }

    /// The server that a node belongs to; none where a problem was told.
    pub(super) fn server(&self, id: &str) -> Option<&str> {
        let mut seen = HashSet::new();
        let (mut id, mut kind) = self.0.get_key_value(id)?;
        let wanted = server_type(&kind.kind)?;
        while seen.insert(id) {
            if kind.kind == wanted {
                return Some(id);
            }
            (id, kind) = self.0.get_key_value(kind.parent.as_ref()?)?;
            if server_type(&kind.kind) != Some(wanted) {
                return None;
            }
        }
        None
    }

    /// How many parents a node has above it.
    pub(super) fn depth(&self, id: &str) -> usize {
        let (mut depth, mut at) = (0, self.0.get(id));
        // A circle has been reported; it must end all the same.
        while let Some(parent) = at.and_then(|member| member.parent.as_ref()) {
            depth += 1;
            if depth > self.0.len() {
                break;
            }
            at = self.0.get(parent);
        }
        depth
    }

    fn check(&self, draft: &mut Draft<'_>, id: &str) {
        let Some((member, parent)) = self.0.get(id).and_then(|m| Some((m, m.parent.as_ref()?)))
        else {
            return;
        };
        let Some(server) = server_type(&member.kind).filter(|server| member.kind != *server) else {
            return;
        };
        let at = join(&join(&join("/resources", id), "properties"), "parent");
        let fits = |kind: &str| server_type(kind) == Some(server);
        if self.0.get(parent).is_some_and(|other| fits(&other.kind)) {
            self.check_circle(draft, id, &at);
            return;
        }
        let other = draft.json.get("resources").and_then(|all| all.get(parent));
        let message = match other.and_then(type_of) {
            Some(other) => format!("`{parent}` is of type {other}"),
            None => format!("there is no server or node `{parent}`"),
        };
        let own = |(other, member): &(&String, &Member)| *other != id && fits(&member.kind);
        let mut known: Vec<&str> = self
            .0
            .iter()
            .filter(own)
            .map(|(id, _)| id.as_str())
            .collect();
        known.sort_unstable();
        let near = nearest(parent, known.iter().copied());
        let expected = match known.as_slice() {
            [] => format!("the id of a resource of type `{server}`"),
            _ => format!(
                "the id of a `{server}` or of a node of it: {}",
                one_of(&known)
            ),
        };
        draft.unknown(&at, message, expected, near);
    }

    fn check_circle(&self, draft: &mut Draft<'_>, id: &str, at: &str) {
        let mut way = vec![id];
        while let Some(parent) = way
            .last()
            .and_then(|last| self.0.get(*last)?.parent.as_deref())
        {
            if parent == id {
                let message = format!("`{}` -> `{id}` is a circle of parents", way.join("` -> `"));
                draft.problem(at, message, "parents that end at a server");
                return;
            }
            if way.contains(&parent) {
                return;
            }
            way.push(parent);
        }
    }
}

/// The type of the server that a resource of this type belongs to, its own if it is one.
fn server_type(kind: &str) -> Option<&'static str> {
    let mut all = BELOW.iter();
    let found = all.find(|(server, nodes)| kind == *server || nodes.contains(&kind));
    found.map(|(server, _)| *server)
}
