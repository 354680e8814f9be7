//! Listens for a while, and takes down each topic when it is first heard.

use std::collections::HashSet;
use std::time::Duration;

use mainstem_adapter::SessionEnd;
use mainstem_adapter::explore::{BrowseAsk, Cut, ExploreError, Finds, Found};
use mainstem_model::{Access, TopicFilter, Value};
use tokio::time::Instant;

use super::{Meaning, meanings};
use crate::kind;
use crate::line::{Full, Happening, Line};
use crate::session::GOODBYE;

/// What fits everything but the broker's own topics, which begin with `$`.
const EVERYTHING: &str = "#";
/// Left of the time for the goodbye.
const RESERVE: Duration = Duration::from_millis(500);
/// Characters of a payload shown beside its topic.
const SAMPLE_CHARS_MAX: usize = 60;

pub(super) async fn listen(ask: &BrowseAsk, finds: &mut Finds) -> Result<(), ExploreError> {
    let end = Instant::now() + finds.limits().time_max.saturating_sub(RESERVE);
    let filter = ask.start.as_deref().unwrap_or(EVERYTHING);
    let filter = TopicFilter::new(filter).map_err(|error| {
        let message = format!("`{filter}`: {error}");
        let expected = "a topic, or a filter with + and #";
        ExploreError::Wrong(vec![mainstem_adapter::Problem::new("", message, expected)])
    })?;
    let broker = kind::broker(&ask.spec).map_err(ExploreError::Wrong)?;
    let tls = match &broker.config.tls {
        Some(tls) => {
            let loaded = tls.load(&broker.home, &[]);
            Some(loaded.map_err(|message| SessionEnd::Misconfigured { message })?)
        }
        None => None,
    };
    let (mut line, remote) = Line::new(&broker, tls, &ask.trace);
    let patience = Instant::now() + ask.patience;
    let mut heard = Heard::default();
    loop {
        // Until the broker has let us in, its own time counts.
        let until = if heard.is_up { end } else { patience.min(end) };
        let Ok(happened) = tokio::time::timeout_at(until, line.poll()).await else {
            break;
        };
        match happened? {
            Happening::Up => {
                heard.is_up = true;
                let asked = remote.subscribe(filter.as_str(), 0);
                asked.map_err(|Full| SessionEnd::lost("busy", "no room for one filter"))?;
            }
            Happening::Granted(_, Err(why)) => {
                let message = format!("the broker does not grant {filter}: {why}");
                return Err(SessionEnd::lost("not_granted", message).into());
            }
            Happening::Arrived { topic, payload } if !heard.take(&topic, &payload, finds) => break,
            _ => {}
        }
    }
    if !heard.is_up {
        let address = broker.address();
        let message = format!("the broker {address} does not let this client in in time");
        return Err(ExploreError::Silent(message));
    }
    // What is published later is not here: the time was the limit.
    finds.cut(Cut::Time);
    remote.disconnect();
    let goodbye = async { while line.poll().await.is_ok() {} };
    drop(tokio::time::timeout(GOODBYE, goodbye).await);
    Ok(())
}

#[derive(Default)]
struct Heard {
    is_up: bool,
    topics: HashSet<String>,
}

impl Heard {
    /// Takes a topic down that was not heard before; `false` when it is enough.
    fn take(&mut self, topic: &str, payload: &[u8], finds: &mut Finds) -> bool {
        if self.topics.contains(topic) {
            return true;
        }
        if finds.visit(topic).is_break() {
            return false;
        }
        self.topics.insert(topic.to_owned());
        let levels = topic.split('/').count();
        if !finds.descend(levels) {
            return true;
        }
        let mut all = meanings(topic, payload).into_iter();
        all.all(|meaning| finds.add(found(topic, meaning)).is_continue())
    }
}

fn found(topic: &str, meaning: Meaning) -> Found {
    let path = topic.split('/').filter(|level| !level.is_empty());
    Found {
        path: path.map(str::to_owned).chain(meaning.path).collect(),
        address: meaning.address,
        operation: meaning.operation,
        value_type: Some(meaning.value_type),
        access: Access::Read,
        unit: None,
        description: None,
        sample: Some(sample(&meaning.value)),
        obstacle: None,
    }
}

fn sample(value: &Value) -> String {
    let text = match value {
        Value::Text(text) => text.to_string(),
        Value::Bytes(bytes) => return format!("{} bytes", bytes.len()),
        other => mainstem_adapter::to_json_value(other).to_string(),
    };
    let mut chars = text.chars();
    let mut shown: String = chars.by_ref().take(SAMPLE_CHARS_MAX).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}
