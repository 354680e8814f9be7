//! Requests that a neighbour above holds: answered by a server node of this node, or passed on down
//! the tree. Its role's `write` decides over the name of the server node, as over a datapoint.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use mainstem_flowsync::{Caller as Asker, Outcome, Protocol};
use mainstem_model::Monotonic;
use mainstem_wire::api::{LinkHeld, LinkHold};

use crate::Api;
use crate::auth::Caller;
use crate::body::Document;
use crate::link::{one_way_sentence, until};
use crate::problem::Problem;
use crate::query::{Nothing, Params};

/// Bytes of a request.
const BYTES_MAX: usize = 768 * 1024;
/// Bytes of an answer: what a neighbour reads.
const ANSWER_BYTES_MAX: usize = 200 * 1024;
/// The longest time that is waited.
const BUDGET_MAX: Duration = Duration::from_secs(3600);
/// Nodes that a request passes.
const HOPS_MAX: usize = 8;

/// `POST /api/v1/link/flowsync`.
#[utoipa::path(
    post,
    path = "/api/v1/link/flowsync",
    tag = "link",
    request_body = LinkHold,
    responses((status = 200, description = "What became of the request", body = LinkHeld))
)]
pub(crate) async fn hold(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
    Document(ask): Document<LinkHold, BYTES_MAX>,
) -> Result<Json<LinkHeld>, Problem> {
    caller.need_link()?;
    let name = ask.name.clone();
    let mut held = match admit(&api, &caller, &ask) {
        Ok(deadline) => tokio::select! {
            held = pass(&api, ask, deadline, &caller) => held,
            () = api.stopping.cancelled() => {
                LinkHeld::because("stopped", "the node stops", true)
            }
        },
        Err(refused) => *refused,
    };
    if held.state == "refused" {
        let why = held.message.clone().unwrap_or_default();
        api.note_with(&caller, "flowsync.hold", &name, "denied", why);
    }
    held.hops.truncate(HOPS_MAX);
    held.hops.push(api.store.setup().name.to_string());
    Ok(Json(held))
}

/// Until when it is of use, or why it is not passed.
fn admit(api: &Api, caller: &Caller, ask: &LinkHold) -> Result<Monotonic, Box<LinkHeld>> {
    let refused = |why: String| Err(Box::new(LinkHeld::because("refused", why, false)));
    let principal = &caller.principal;
    if principal.rights.link_reads_only {
        return refused(one_way_sentence(&principal.role));
    }
    let decision = principal.may_write(&ask.name);
    if !decision.allowed {
        return refused(format!(
            "no request of this neighbour passes: {}",
            decision.rule
        ));
    }
    if ask.originators.len() >= HOPS_MAX {
        return refused(format!("it passed {HOPS_MAX} nodes already"));
    }
    let budget = Duration::from_micros(ask.budget_us).min(BUDGET_MAX);
    let Some(deadline) = until(api, caller, (ask.session, ask.sent), budget) else {
        return refused("no beat of this link has told how the clocks map".to_owned());
    };
    if deadline <= api.clock().monotonic() {
        let why = "its deadline had passed when it came";
        return Err(Box::new(LinkHeld::because("timed_out", why, false)));
    }
    Ok(deadline)
}

async fn pass(api: &Api, mut ask: LinkHold, deadline: Monotonic, caller: &Caller) -> LinkHeld {
    let left = deadline.since(api.clock().monotonic());
    let who = ask.originators.first();
    let asker = Asker {
        principal: who
            .map_or(caller.principal.name.as_str(), String::as_str)
            .into(),
        protocol: Protocol::Link,
    };
    if let Some(flow) = api.parts.flowsync()
        && let Some(outcome) = flow.hold_named(&ask.name, &ask.value, asker, left).await
    {
        let held = told(outcome);
        api.note(caller, "flowsync.hold", &ask.name, &held.state);
        return held;
    }
    let here = &api.store.setup().name;
    ask.originators
        .push(format!("{}@{here}", caller.principal.name));
    let name = ask.name.clone();
    match api.parts.hold_below(ask, deadline) {
        Some(held) => held.await,
        None => {
            let why = format!("{here} has no server node {name} that holds requests");
            LinkHeld::because("unknown_node", why, false)
        }
    }
}

fn told(outcome: Outcome) -> LinkHeld {
    match outcome {
        Outcome::Value(value) if value.get().len() > ANSWER_BYTES_MAX => {
            let why = format!("over a link an answer has at most {ANSWER_BYTES_MAX} bytes");
            LinkHeld {
                code: Some(500),
                ..LinkHeld::because("failed", why, true)
            }
        }
        Outcome::Value(value) => LinkHeld {
            state: "answered".to_owned(),
            value: Some(value),
            code: None,
            message: None,
            told: true,
            hops: Vec::new(),
        },
        Outcome::Error { code, message } => LinkHeld {
            code,
            ..LinkHeld::because("failed", message, true)
        },
        Outcome::TimedOut { message, .. } => LinkHeld::because("timed_out", &*message, true),
        Outcome::Busy => LinkHeld::because("busy", "as many requests are held as may be", false),
        Outcome::BusAway { cause, told } => LinkHeld::because("bus_away", &*cause, told),
        Outcome::Refused(cause) => LinkHeld::because("bus_away", &*cause, false),
        Outcome::Stopping => LinkHeld::because("stopped", "the server node was stopped", true),
    }
}
