//! Downward: the request goes to the server node of a node below, through the tree as writes go.

use std::time::Duration;

use mainstem_model::Name;
use mainstem_wire::api::{LinkHeld, LinkHold};

use super::record::Record;
use super::{Errand, Levels};
use crate::{NodeSpec, Outcome};

/// The code of what the policy of a hop does not allow.
const FORBIDDEN: i64 = 403;
/// So much before the deadline a node below may give up for this one.
const EARLY: Duration = Duration::from_millis(500);
/// The code of a server node that is not there.
const NOT_FOUND: i64 = 404;

pub(super) async fn ask(levels: &Levels, errand: Errand, name: &Name) -> Outcome {
    let mut record = Record::begin(levels, &errand, "flowsync.below");
    let (spec, deadline) = (errand.spec.clone(), errand.deadline);
    let mut held = send(levels, errand, name).await;
    // It is the way down that is told.
    held.hops.push(levels.store.setup().name.to_string());
    held.hops.reverse();
    let hops = std::mem::take(&mut held.hops);
    let outcome = read(held, &spec);
    record.end(&outcome, &hops);
    let left = deadline.since(levels.clock().monotonic());
    if matches!(outcome, Outcome::TimedOut { .. }) && left < EARLY {
        // The node below takes off what its clock may be wrong by; the promise is this node's.
        return std::future::pending().await;
    }
    outcome
}

async fn send(levels: &Levels, errand: Errand, name: &Name) -> LinkHeld {
    let ask = LinkHold {
        id: errand.id.0,
        name: name.to_string(),
        value: errand.value,
        session: 0,
        sent: 0,
        budget_us: 0,
        originators: vec![levels.origin(&errand.caller)],
    };
    let way = levels
        .tree
        .get()
        .and_then(|tree| tree.hold(ask, errand.deadline));
    match way {
        Some(held) => held.await,
        None => {
            let why = format!("no remote of this node has the name {name} begin with it");
            LinkHeld::because("unknown_node", why, false)
        }
    }
}

fn read(held: LinkHeld, spec: &NodeSpec) -> Outcome {
    let message = held.message.unwrap_or_default();
    let error = |code| Outcome::Error {
        code: Some(code),
        message: message.clone(),
    };
    match (held.state.as_str(), held.value) {
        ("answered", Some(value)) => Outcome::Value(value),
        ("failed", _) => Outcome::Error {
            code: held.code,
            message,
        },
        ("timed_out", _) => Outcome::TimedOut {
            code: spec.timeout_error_code,
            message: spec.timeout_error_message.clone(),
        },
        ("busy", _) => Outcome::Busy,
        ("refused", _) => error(FORBIDDEN),
        ("unknown_node", _) => error(NOT_FOUND),
        _ => Outcome::BusAway {
            cause: message.into(),
            told: held.told,
        },
    }
}
