//! Mappings: references to topics, wildcards and variables.

use mainstem_service::{
    Mapping, MappingItem, MappingItemSection, MappingSection, Publish, PublishSection, Rule,
    Services, Subscribe, SubscribeSection, TopicPattern, TopicTemplate,
};

use super::each;
use super::references::{References, Way};
use crate::load::Draft;
use crate::nearest::nearest;
use crate::tree::join;

pub(super) fn read(draft: &mut Draft<'_>, references: &References, services: &mut Services) {
    for (section, id, pointer) in each::<MappingSection>(draft, "Mapping") {
        let mut items = Vec::new();
        for (index, item) in section.mappings.into_iter().enumerate() {
            let at = join(&join(&pointer, "mappings"), &index.to_string());
            items.extend(one(draft, references, item, &at));
        }
        services.mappings.push(Mapping {
            id,
            items,
            target_state: section.target_state,
            input_buffering: section.input_buffering.unwrap_or_default(),
        });
    }
}

fn one(
    draft: &mut Draft<'_>,
    references: &References,
    item: MappingItemSection,
    pointer: &str,
) -> Option<MappingItem> {
    let (sections, is_list) = item.subscribe.into_list();
    let below = join(pointer, "subscribe");
    let mut subscribe = Vec::new();
    for (index, section) in sections.iter().enumerate() {
        let at = match is_list {
            true => join(&below, &index.to_string()),
            false => below.clone(),
        };
        subscribe.push(source(draft, references, section, &at));
    }
    let rules = super::rules::read(draft, item.rules, pointer);
    let publish = target(draft, references, &item.publish, &join(pointer, "publish"));
    let subscribe: Option<Vec<Subscribe>> = subscribe.into_iter().collect();
    let item = MappingItem {
        subscribe: subscribe?,
        publish: publish?,
        rules: rules?,
        startup_events: item.startupevents,
    };
    check_variables(draft, &item, pointer);
    Some(item)
}

fn source(
    draft: &mut Draft<'_>,
    references: &References,
    section: &SubscribeSection,
    pointer: &str,
) -> Option<Subscribe> {
    no_connection(draft, section.connection.is_some(), pointer);
    let pattern = match (&section.endpoint, &section.topic) {
        (Some(id), None) => {
            TopicPattern::exact(&references.topic(draft, id, Way::From, pointer)?)
        }
        (None, Some(topic)) => match TopicPattern::new(topic) {
            Ok(pattern) => pattern,
            Err(error) => {
                let expected = "levels joined by `/`; `+` or `+name` for one level, `#` or \
                                `#name` for all that follow";
                draft.problem(&join(pointer, "topic"), error, expected);
                return None;
            }
        },
        both => {
            not_one(draft, both.0.is_some(), pointer);
            return None;
        }
    };
    let label = match section.label.as_deref().map(TopicTemplate::new) {
        Some(Err(error)) => {
            let expected = "a text with `{name}` for wildcards";
            draft.problem(&join(pointer, "label"), error, expected);
            return None;
        }
        Some(Ok(label)) => Some(label),
        None => None,
    };
    let known: Vec<&str> = pattern.names().collect();
    for name in label.iter().flat_map(TopicTemplate::variables) {
        check_variable(draft, name, &known, &join(pointer, "label"));
    }
    Some(Subscribe {
        pattern,
        endpoint: section.endpoint.clone(),
        qos: section.qos,
        label,
    })
}

fn target(
    draft: &mut Draft<'_>,
    references: &References,
    section: &PublishSection,
    pointer: &str,
) -> Option<Publish> {
    no_connection(draft, section.connection.is_some(), pointer);
    let topic = match (&section.endpoint, &section.topic) {
        (Some(id), None) => {
            let topic = references.topic(draft, id, Way::To, pointer)?;
            TopicTemplate::new(&topic)
        }
        (None, Some(topic)) if topic.contains(['+', '#']) => {
            Err("there is no wildcard in a topic to publish on".into())
        }
        (None, Some(topic)) => TopicTemplate::new(topic),
        both => {
            not_one(draft, both.0.is_some(), pointer);
            return None;
        }
    };
    match topic {
        Ok(topic) => Some(Publish {
            topic,
            endpoint: section.endpoint.clone(),
            qos: section.qos,
            retain: section.retain,
        }),
        Err(error) => {
            let expected = "levels joined by `/`, with `{name}` for named wildcards and variables";
            draft.problem(&join(pointer, "topic"), error, expected);
            None
        }
    }
}

fn no_connection(draft: &mut Draft<'_>, is_there: bool, pointer: &str) {
    if is_there {
        let message = "a mapping subscribes and publishes on the node's own bus only";
        let expected = "no `connection`; endpoints of a connection of protocol Mqtt reach another \
                        broker";
        draft.problem(&join(pointer, "connection"), message, expected);
    }
}

fn not_one(draft: &mut Draft<'_>, both: bool, pointer: &str) {
    let message = match both {
        true => "`topic` beside `endpoint`",
        false => "neither `topic` nor `endpoint`",
    };
    draft.problem(pointer, message, "just one of `topic` and `endpoint`");
}

/// A variable of the topic comes from every subscription, or from a rule.
fn check_variables(draft: &mut Draft<'_>, item: &MappingItem, pointer: &str) {
    let at = join(&join(pointer, "publish"), "topic");
    let set = item.rules.iter().flat_map(|rule| match rule {
        Rule::SetContextVars(rule) => rule.vars.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    });
    let set: Vec<&str> = set.collect();
    for subscribe in &item.subscribe {
        let mut known: Vec<&str> = subscribe.pattern.names().collect();
        known.extend(&set);
        for name in item.publish.topic.variables() {
            check_variable(draft, name, &known, &at);
        }
    }
}

fn check_variable(draft: &mut Draft<'_>, name: &str, known: &[&str], at: &str) {
    if known.contains(&name) {
        return;
    }
    let near = nearest(name, known.iter().copied());
    let message = format!("nothing gives `{{{name}}}` a value");
    let expected = "the name of a wildcard of each subscription, or of a variable of \
                    `setContextVars`";
    draft.unknown(at, message, expected, near);
}
