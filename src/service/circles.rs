//! Mappings that feed one another in a circle.

use crate::{Mapping, MappingItem};

/// Circles that are told; a file with more is beyond repair by a list.
const CIRCLES_MAX: usize = 100;

/// One way of a mapping, by the indices of mapping and way.
pub type Way = (usize, usize);

/// The circles that a message goes round for certain: every topic in them is fixed. Each circle
/// once, beginning with its first way.
#[must_use]
pub fn feeding_circles(mappings: &[Mapping]) -> Vec<Vec<Way>> {
    let ways = enabled(mappings);
    let next: Vec<Vec<usize>> = ways.iter().map(|(_, way)| fed_by(way, &ways)).collect();
    let mut circles: Vec<Vec<Way>> = Vec::new();
    for start in 0..ways.len() {
        if circles.len() >= CIRCLES_MAX {
            break;
        }
        if let Some(circle) = shortest_circle(start, &next) {
            circles.push(circle.into_iter().map(|at| ways[at].0).collect());
        }
    }
    circles
}

/// The ways that may get back what they published, by variables and wildcards.
#[must_use]
pub fn may_feed_themselves(mappings: &[Mapping]) -> Vec<Way> {
    let ways = enabled(mappings);
    let fed = |way: &MappingItem| {
        let filter = way.publish.topic.filter();
        let all = ways.iter().enumerate();
        let takes = all.filter(|(_, (_, other))| {
            let mut patterns = other.subscribe.iter();
            patterns.any(|subscribe| overlap(&filter, subscribe.pattern.topics()))
        });
        takes.map(|(index, _)| index).collect()
    };
    let next: Vec<Vec<usize>> = ways.iter().map(|(_, way)| fed(way)).collect();
    let comes_back = |start: &usize| {
        let (mut seen, mut open) = (vec![false; next.len()], next[*start].clone());
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                open.extend(&next[at]);
            }
        }
        seen[*start]
    };
    let all = 0..ways.len();
    all.filter(comes_back).map(|at| ways[at].0).collect()
}

/// Whether a topic can fit both filters.
fn overlap(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.split('/'), other.split('/'));
    loop {
        match (one.next(), other.next()) {
            (Some("#"), _) | (_, Some("#")) | (None, None) => return true,
            (Some(a), Some(b)) if a == b || a == "+" || b == "+" => {}
            _ => return false,
        }
    }
}

fn enabled(mappings: &[Mapping]) -> Vec<(Way, &MappingItem)> {
    let all = mappings.iter().enumerate();
    all.filter(|(_, mapping)| mapping.target_state.is_enabled())
        .flat_map(|(index, mapping)| {
            let items = mapping.items.iter().enumerate();
            items.map(move |(item, way)| ((index, item), way))
        })
        .collect()
}

/// The ways that get what this one publishes.
fn fed_by(way: &MappingItem, ways: &[(Way, &MappingItem)]) -> Vec<usize> {
    if way.publish.topic.variables().next().is_some() {
        return Vec::new();
    }
    let topic = way.publish.topic.to_string();
    let takes = |other: &MappingItem| {
        let mut patterns = other.subscribe.iter();
        patterns.any(|subscribe| subscribe.pattern.read(&topic).is_some())
    };
    let all = ways.iter().enumerate();
    all.filter(|(_, (_, other))| takes(other))
        .map(|(index, _)| index)
        .collect()
}

/// The shortest circle through a way of which it is the first: so each circle is found once.
fn shortest_circle(start: usize, next: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut before: Vec<Option<usize>> = vec![None; next.len()];
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for &to in next[at].iter().filter(|to| **to >= start) {
            if to == start {
                let mut circle = vec![at];
                while let Some(previous) = before[circle[circle.len() - 1]] {
                    circle.push(previous);
                }
                circle.reverse();
                return Some(circle);
            }
            if before[to].is_none() {
                before[to] = Some(at);
                queue.push_back(to);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        InputBuffering, Publish, Qos, Subscribe, TargetState, TopicPattern, TopicTemplate,
    };

    fn mapping(ways: &[(&str, &str)]) -> Mapping {
        let item = |(from, to): &(&str, &str)| MappingItem {
            subscribe: vec![Subscribe {
                pattern: TopicPattern::new(from).unwrap(),
                endpoint: None,
                qos: Qos::default(),
                label: None,
            }],
            publish: Publish {
                topic: TopicTemplate::new(to).unwrap(),
                endpoint: None,
                qos: Qos::default(),
                retain: false,
            },
            rules: Vec::new(),
            startup_events: false,
        };
        Mapping {
            id: "m".into(),
            items: ways.iter().map(item).collect(),
            target_state: TargetState::Enabled,
            input_buffering: InputBuffering::default(),
        }
    }

    #[test]
    fn circles_are_found_once() {
        let harmless = [("a", "b"), ("b", "c"), ("x/+n", "y/{n}"), ("y/+", "z")];
        assert!(feeding_circles(&[mapping(&harmless)]).is_empty());
        assert_eq!(feeding_circles(&[mapping(&[("a/#", "a/b")])]), [[(0, 0)]]);
        let round = [
            mapping(&[("q", "r"), ("a", "b")]),
            mapping(&[("b", "c"), ("c", "a")]),
        ];
        assert_eq!(feeding_circles(&round), [[(0, 1), (1, 0), (1, 1)]]);
    }

    #[test]
    fn variables_may_lead_back() {
        let own = [mapping(&[
            ("a/+x", "a/{x}"),
            ("q", "r/{x}"),
            ("s/#", "b/c"),
        ])];
        assert!(feeding_circles(&own).is_empty());
        assert_eq!(may_feed_themselves(&own), [(0, 0)]);
        let round = [mapping(&[("a/+x", "b/{x}")]), mapping(&[("b/#", "a/k")])];
        assert_eq!(may_feed_themselves(&round), [(0, 0), (1, 0)]);
    }

    #[test]
    fn what_is_disabled_feeds_nobody() {
        let mut own = mapping(&[("a", "a")]);
        own.target_state = TargetState::Disabled;
        assert!(feeding_circles(&[own]).is_empty());
    }
}
