//! `POST /api/v1/loggers/{id}/verify`: compares a replicated series with the next level; and the
//! other end of it, what a neighbour is told.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use mainstem_datalogger::completeness::{self, Asker, Found, HourFound, VerifyWish};
use mainstem_datalogger::recorder::LoggerView;
use mainstem_datalogger::{LogId, SUM_HOUR, SeriesKey};
use mainstem_model::{Name, NodeId, Timestamp};
use mainstem_wire::api::ProblemDocument;
use mainstem_wire::api::history::{
    LinkSums, LinkSumsDocument, VerifyDocument, VerifyHour, VerifyRequest,
};

use super::{answer, find, may_read};
use crate::Api;
use crate::auth::Caller;
use crate::body::Document;
use crate::problem::{Code, Problem};
use crate::query::{Nothing, Params, Segment};

/// Bytes of a question.
const BYTES_MAX: usize = 4096;

/// `POST /api/v1/loggers/{id}/verify`.
#[utoipa::path(
    post,
    path = "/api/v1/loggers/{id}/verify",
    tag = "loggers",
    params(("id" = String, Path, description = "The name of the series")),
    request_body = VerifyRequest,
    responses((status = 200, description = "What was found", body = VerifyDocument),
        (status = 403, description = "Healing needs the right to write the logger", body = ProblemDocument))
)]
pub(crate) async fn post(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    _: Params<Nothing>,
    caller: Caller,
    Document(asked): Document<VerifyRequest, BYTES_MAX>,
) -> Result<Json<VerifyDocument>, Problem> {
    let (book, view) = find(&api, &caller, &id)?;
    if asked.heal {
        may_heal(&api, &caller, &id)?;
    }
    let sink = Arc::clone(book.sink());
    let key = sink
        .list()
        .into_iter()
        .find(|(series, _)| *series == view.series);
    let is_own = key.is_none_or(|(_, key)| key.origin == api.store.setup().node);
    if is_own {
        return Ok(Json(blank(&view, "own")));
    }
    let now = api.clock().now().micros();
    let wish = VerifyWish {
        series: view.series,
        from: asked.from.map_or(i64::MIN, Timestamp::micros),
        to: asked
            .to
            .map_or(now - now.rem_euclid(SUM_HOUR), Timestamp::micros),
        heal: asked.heal,
    };
    let mut unreachable = blank(&view, "unreachable");
    // It comes from one of them; the others do not know it.
    for remote in api.parts.remotes() {
        let (asked_api, name) = (Arc::clone(&api), remote.name.clone());
        let ask = move |ask: LinkSums| {
            let answer = asked_api.parts.logger_sums(&name, ask);
            answer.unwrap_or_else(|| {
                Box::pin(std::future::ready(Err(
                    "it is no node that can be asked".into()
                )))
            })
        };
        let ask: Box<Asker> = Box::new(ask);
        let found = completeness::verify(&sink, wish, &*ask).await;
        match found {
            Ok(found) => {
                let told = document(&view, &remote.name, &found, asked.heal);
                if asked.heal {
                    let detail = format!("{} rows fetched", found.healed);
                    api.note_with(&caller, "logger.heal", &id, &told.state, detail);
                }
                return Ok(Json(told));
            }
            Err(completeness::VerifyError::Sink(error)) => {
                return Err(answer::unreadable(&error));
            }
            Err(completeness::VerifyError::Other(why)) => {
                let before = unreachable.detail.take();
                let before = before.map_or(String::new(), |before| format!("{before}; "));
                unreachable.detail = Some(format!("{before}{}: {why}", remote.name));
            }
        }
    }
    Ok(Json(unreachable))
}

fn may_heal(api: &Api, caller: &Caller, id: &str) -> Result<(), Problem> {
    let decision = caller.principal.may_write_logger(id);
    if decision.allowed {
        return Ok(());
    }
    api.note_with(caller, "logger.heal", id, "refused", decision.rule.clone());
    let who = &caller.principal.name;
    let detail = format!("{who} may not write the logger {id}: {}", decision.rule);
    Err(Problem::new(Code::Policy, detail))
}

fn blank(view: &LoggerView, state: &str) -> VerifyDocument {
    VerifyDocument {
        id: view.name.to_string(),
        state: state.to_owned(),
        remote: None,
        detail: None,
        hours: 0,
        rows: 0,
        differing: Vec::new(),
        more: false,
    }
}

fn document(view: &LoggerView, remote: &str, found: &Found, heals: bool) -> VerifyDocument {
    let is_equal = found.differing.is_empty() && !found.more && found.healed == 0;
    let state = match (is_equal, heals && found.is_whole()) {
        (true, _) => "equal",
        (false, true) => "healed",
        (false, false) => "differs",
    };
    VerifyDocument {
        remote: Some(remote.to_owned()),
        hours: found.hours,
        rows: found.rows,
        differing: found.differing.iter().map(hour).collect(),
        more: found.more,
        ..blank(view, state)
    }
}

fn hour(found: &HourFound) -> VerifyHour {
    VerifyHour {
        start: Timestamp::from_micros(found.start),
        rows_here: found.rows_here,
        rows_there: found.rows_there,
        missing: found.missing,
        too_many: found.too_many,
        different: found.different,
        kept_longer: found.kept_longer,
        let_go: found.let_go,
        healed: found.healed,
    }
}

/// `POST /api/v1/link/loggers/sums`: a neighbour compares.
#[utoipa::path(
    post,
    path = "/api/v1/link/loggers/sums",
    tag = "link",
    request_body = LinkSums,
    responses((status = 200, description = "Hours or rows of the series", body = LinkSumsDocument),
        (status = 404, description = "No such series for this neighbour", body = ProblemDocument))
)]
pub(crate) async fn sums(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
    Document(ask): Document<LinkSums, BYTES_MAX>,
) -> Result<Json<LinkSumsDocument>, Problem> {
    caller.need_link()?;
    let missing = || {
        let detail = format!("there is no series {:?} here that you may read", ask.logger);
        Problem::new(Code::UnknownName, detail)
    };
    let book = api.parts.loggers().ok_or_else(missing)?;
    let key = key_of(&ask).ok_or_else(missing)?;
    let known = book
        .sink()
        .list()
        .into_iter()
        .find(|(_, known)| *known == key);
    let view = known.and_then(|(series, _)| book.of_series(series));
    let view = view
        .filter(|view| may_read(&api, &caller, view))
        .ok_or_else(missing)?;
    let Ok(_permit) = Arc::clone(&api.readers).try_acquire_owned() else {
        return Err(Problem::new(Code::Busy, "too many readers are served").retry_after(5));
    };
    let what = ask.what.clone();
    let told = tokio::task::spawn_blocking(move || {
        completeness::answer(&**book.sink(), view.series, &ask)
    });
    let told = told.await.map_err(|error| Problem::internal(&error))?;
    let told = told.map_err(|error| answer::unreadable(&error))?;
    let unknown = || Problem::new(Code::Member, format!("what: {what:?} is not known here"));
    told.map(Json).ok_or_else(unknown)
}

fn key_of(ask: &LinkSums) -> Option<SeriesKey> {
    Some(SeriesKey {
        origin: NodeId(ask.origin.parse().ok()?),
        log: LogId(ask.log.parse().ok()?),
        logger: Name::new(&ask.logger).ok()?,
    })
}
