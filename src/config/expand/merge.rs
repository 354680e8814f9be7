//! `!merge` (a list of maps, the later wins) and YAML's `<<` (what stands beside it wins).

use crate::expand::Expander;
use crate::tree::{Data, Entry, Node, Span, join};

const EXPECTED: &str = "a map, a `!ref` to one, or a list of these";

impl Expander<'_> {
    /// A map with its `<<` carried out.
    pub(super) fn entries(
        &mut self,
        entries: Vec<Entry>,
        pointer: &str,
        depth: usize,
    ) -> Vec<Entry> {
        let mut own = Vec::with_capacity(entries.len());
        let mut merged = Vec::new();
        for Entry {
            key,
            key_span,
            value,
        } in entries
        {
            let below = join(pointer, &key);
            let Some(value) = self.node(value, &below, depth + 1) else {
                continue;
            };
            if key == "<<" {
                // Earlier maps win over later ones, so the later are laid down first.
                for map in self.maps(value, key_span, &below).into_iter().rev() {
                    lay_over(&mut merged, map);
                }
            } else {
                own.push(Entry {
                    key,
                    key_span,
                    value,
                });
            }
        }
        if merged.is_empty() {
            return own;
        }
        lay_over(&mut merged, own);
        merged
    }

    pub(super) fn merge(&mut self, mut node: Node, pointer: &str, depth: usize) -> Option<Node> {
        node.tag = None;
        let span = node.span;
        let node = self.children(node, pointer, depth)?;
        let mut merged = Vec::new();
        for map in self.maps(node, span, pointer) {
            lay_over(&mut merged, map);
        }
        Some(Node::new(Data::Map(merged), span))
    }

    fn maps(&mut self, node: Node, span: Span, pointer: &str) -> Vec<Vec<Entry>> {
        let items = match node.data {
            Data::Map(entries) => return vec![entries],
            Data::List(items) => items,
            _ => {
                self.report
                    .at(span, pointer, "nothing that can be merged", EXPECTED);
                return Vec::new();
            }
        };
        let mut maps = Vec::with_capacity(items.len());
        for item in items {
            match item.data {
                Data::Map(entries) => maps.push(entries),
                _ => self
                    .report
                    .at(item.span, pointer, "a part that is no map", EXPECTED),
            }
        }
        maps
    }
}

fn lay_over(below: &mut Vec<Entry>, above: Vec<Entry>) {
    for entry in above {
        match below.iter_mut().find(|known| known.key == entry.key) {
            Some(known) => *known = entry,
            None => below.push(entry),
        }
    }
}
