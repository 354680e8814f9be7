//! What is wrong with this node and with those below it, where, and what to do.

mod datapoints;
mod growth;
mod links;
mod loggers;
mod own;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use futures_util::StreamExt;
use futures_util::stream;
use mainstem_model::limits::PATH_HOPS_MAX;
use mainstem_remote::Below;
use mainstem_wire::api::doctor::{DoctorDocument, DoctorNode, Finding, LinkDoctor};
use serde::Deserialize;

use crate::Api;
use crate::auth::Caller;
use crate::body::Document;
use crate::problem::Problem;
use crate::query::{Nothing, Params};

pub(crate) use growth::Growth;

/// Bytes of a neighbour's question.
const BYTES_MAX: usize = 4096;
/// How long the nodes below may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Remotes asked at the same time.
const AT_ONCE: usize = 32;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DoctorQuery {
    /// Whether the nodes below are asked, too.
    #[serde(default = "yes")]
    #[param(value_type = Option<bool>)]
    below: bool,
}

fn yes() -> bool {
    true
}

/// `GET /api/v1/doctor`.
#[utoipa::path(
    get,
    path = "/api/v1/doctor",
    tag = "doctor",
    params(DoctorQuery),
    responses((
        status = 200,
        description = "What is wrong with this node and those below it, and what to do",
        body = DoctorDocument
    ))
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Params(asked): Params<DoctorQuery>,
    caller: Caller,
) -> Json<DoctorDocument> {
    let ask = LinkDoctor {
        budget_us: micros(PATIENCE),
        passed: 0,
    };
    Json(report(&api, &caller, asked.below.then_some(ask)).await)
}

/// `POST /api/v1/link/doctor`: a neighbour asks on.
#[utoipa::path(
    post,
    path = "/api/v1/link/doctor",
    tag = "link",
    request_body = LinkDoctor,
    responses((status = 200, description = "What is wrong from here down", body = DoctorDocument))
)]
pub(crate) async fn examine(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
    Document(ask): Document<LinkDoctor, BYTES_MAX>,
) -> Result<Json<DoctorDocument>, Problem> {
    caller.need_link()?;
    let ask = LinkDoctor {
        budget_us: ask.budget_us.min(micros(PATIENCE)),
        passed: ask.passed,
    };
    Ok(Json(report(&api, &caller, Some(ask)).await))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// This node's own findings, with those of the nodes below it if they are to be asked.
async fn report(api: &Api, caller: &Caller, ask: Option<LinkDoctor>) -> DoctorDocument {
    let name = api.store.setup().name.to_string();
    let below = async {
        match ask {
            Some(ask) => below(api, ask).await,
            None => Vec::new(),
        }
    };
    let (mut findings, below) = tokio::join!(own::findings(api, caller), below);
    let mut nodes = vec![DoctorNode {
        name: name.clone(),
        hop: None,
        state: "answered".to_owned(),
        cause: None,
    }];
    let mut left_out = 0;
    for (remote, prefix, came) in below {
        match came {
            Below::Answered(report) => {
                nodes.extend(report.nodes);
                findings.extend(report.findings);
                left_out += report.left_out;
            }
            Below::Unasked { state, cause } => {
                findings.extend(unasked(&name, &remote, state, &cause));
                nodes.push(DoctorNode {
                    name: remote,
                    hop: Some(prefix),
                    state: state.to_owned(),
                    cause: Some(cause),
                });
            }
        }
    }
    DoctorDocument::new(nodes, findings, left_out)
}

/// What the nodes below say: name and prefix of each remote, and what came of asking it.
async fn below(api: &Api, ask: LinkDoctor) -> Vec<(String, String, Below)> {
    let is_too_far = ask.passed as usize + 1 >= PATH_HOPS_MAX;
    let remotes = api.parts.remotes();
    let asked = remotes.into_iter().map(|remote| {
        let answer = match is_too_far {
            true => None,
            false => api.parts.doctor_below(&remote.name, ask),
        };
        async move {
            let came = match answer {
                Some(answer) => answer.await,
                None if is_too_far => Below::Unasked {
                    state: "too_far",
                    cause: format!("it is more than {PATH_HOPS_MAX} nodes away from who asks"),
                },
                None => Below::Unasked {
                    state: "not_mainstem",
                    cause: "it is no mainstem node and cannot be asked".to_owned(),
                },
            };
            (remote.name, remote.prefix, came)
        }
    });
    let mut came: Vec<_> = stream::iter(asked)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    came.sort_by(|one, other| one.0.cmp(&other.0));
    came
}

/// A node that was not asked is worth a word, unless the link to it says already why.
fn unasked(node: &str, remote: &str, state: &str, cause: &str) -> Option<Finding> {
    let (severity, action) = match state {
        "silent" | "refused" => (
            "warning",
            format!("Ask again; if it stays so, run `mainstem doctor` at {remote} itself."),
        ),
        "too_old" => (
            "info",
            format!("Update {remote}, or run `mainstem remotes list` and `mainstem alarms` there."),
        ),
        "too_far" => ("info", format!("Run `mainstem doctor` at {remote} itself.")),
        _ => return None,
    };
    Some(Finding {
        node: node.to_owned(),
        hop: None,
        severity: severity.to_owned(),
        check: "doctor".to_owned(),
        id: format!("doctor.{remote}"),
        text: format!("Nobody knows how {remote} is: {cause}."),
        action,
        since: None,
        count: None,
        examples: Vec::new(),
    })
}
