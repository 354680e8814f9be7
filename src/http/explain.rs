//! Why a write would not be carried out: the rules of this node, and of every node on the way down
//! to the owner. Nothing is carried out.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use mainstem_model::{Monotonic, WriteId};
use mainstem_wire::api::explain::{
    ExplainDocument, ExplainRequestDocument, ExplainStep, LinkExplain,
};
use mainstem_write::{BUDGET_DEFAULT, Entry, ORIGINATORS_MAX, Request, Step, reason};
use serde_json::value::RawValue;

use crate::Api;
use crate::auth::Caller;
use crate::body::Document;
use crate::problem::Problem;
use crate::query::{Nothing, Params};
use crate::write_answer;

/// Bytes of a question.
const BYTES_MAX: usize = 512 * 1024;
/// How long the nodes below may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// `POST /api/v1/writes/explain`.
#[utoipa::path(
    post,
    path = "/api/v1/writes/explain",
    tag = "writes",
    request_body = ExplainRequestDocument,
    responses((
        status = 200,
        description = "Whether a write would be carried out, and which rule at which hop refuses",
        body = ExplainDocument
    ))
)]
pub(crate) async fn ask(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
    Document(body): Document<ExplainRequestDocument, BYTES_MAX>,
) -> Result<Json<ExplainDocument>, Problem> {
    let principal = (*caller.principal).clone();
    let entry = Entry::Client {
        principal,
        address: None,
    };
    let question = Question {
        name: body.name,
        value: body.value,
        pulse: write_answer::pulse(body.pulse.as_deref())?,
        budget: PATIENCE,
        passed: 0,
    };
    Ok(Json(question.answer(&api, entry).await))
}

/// `POST /api/v1/link/explain`: a neighbour asks on; its own rights decide.
#[utoipa::path(
    post,
    path = "/api/v1/link/explain",
    tag = "link",
    request_body = LinkExplain,
    responses((status = 200, description = "The rules from here down", body = ExplainDocument))
)]
pub(crate) async fn pass_on(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
    Document(body): Document<LinkExplain, BYTES_MAX>,
) -> Result<Json<ExplainDocument>, Problem> {
    caller.need_link()?;
    let passed = body.passed.min(MORE_THAN_A_PATH);
    let entry = Entry::Link {
        principal: (*caller.principal).clone(),
        id: WriteId(uuid::Uuid::nil()),
        deadline: Monotonic::default(),
        // Who they are does not matter here, but how many: a write passes no more nodes.
        originators: vec![String::new(); passed as usize],
    };
    let question = Question {
        name: body.name,
        value: body.value,
        pulse: body.pulse_us.map(Duration::from_micros),
        budget: Duration::from_micros(body.budget_us).min(PATIENCE),
        passed,
    };
    Ok(Json(question.answer(&api, entry).await))
}

/// One more than a write may pass.
#[expect(clippy::cast_possible_truncation, reason = "a small constant")]
const MORE_THAN_A_PATH: u32 = ORIGINATORS_MAX as u32 + 1;

struct Question {
    name: String,
    value: Box<RawValue>,
    pulse: Option<Duration>,
    budget: Duration,
    passed: u32,
}

impl Question {
    async fn answer(self, api: &Api, entry: Entry) -> ExplainDocument {
        let request = Request {
            name: self.name.clone(),
            value: self.value.clone(),
            pulse: self.pulse,
            key: None,
            budget: BUDGET_DEFAULT,
            entry,
        };
        let explained = api.writes.explain(&request);
        let node = &api.store.setup().name;
        let called = explained.name.unwrap_or_else(|| self.name.clone());
        let mut steps: Vec<ExplainStep> = explained
            .steps
            .into_iter()
            .map(|step| document(step, node))
            .collect();
        if let Some(link) = explained.next {
            let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            let ask = LinkExplain {
                name: called,
                value: self.value,
                pulse_us: self.pulse.map(micros),
                budget_us: micros(self.budget),
                passed: self.passed,
            };
            match api.parts.explain_below(link, ask) {
                Some(below) => steps.extend(below.await),
                None => steps.push(no_link(node)),
            }
        }
        let name = self.name.chars().take(255).collect();
        ExplainDocument::new(name, steps)
    }
}

fn document(step: Step, node: &str) -> ExplainStep {
    ExplainStep {
        node: node.to_owned(),
        hop: None,
        rule: step.rule.as_str().to_owned(),
        allowed: step.refusal.is_none(),
        reason: step.refusal.map(str::to_owned),
        message: step.text,
    }
}

/// The link was taken out of the node file between two steps.
fn no_link(node: &str) -> ExplainStep {
    ExplainStep {
        node: node.to_owned(),
        hop: None,
        rule: "owner".to_owned(),
        allowed: false,
        reason: Some(reason::NO_OWNER.to_owned()),
        message: "the link to the owner is gone".to_owned(),
    }
}
