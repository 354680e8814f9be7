//! What a reader asks for.

use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING};
use http::{HeaderMap, HeaderName};
use mainstem_model::{Deadband, GlobSet, Pacing};
use mainstem_store::{Delivery, Filter, Reader, StartError, Store};
use mainstem_wire::api::form;
use mainstem_wire::{Cursor, DigestBody, DigestError, Digests, FEATURE_DIGEST};
use serde::Deserialize;

use crate::auth::Caller;
use crate::problem::{Code, Problem};
use crate::query;

const FRAMES: &str = "application/x-ndjson";
const EVENTS: &str = "text/event-stream";
const DOCUMENT: &str = "application/json";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The parameters of `GET /api/v1/changes`.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangesQuery {
    /// A cursor of this node.
    since: Option<String>,
    /// A long poll: how long the answer waits for a change.
    #[serde(default, deserialize_with = "form::optional_duration")]
    #[param(value_type = Option<String>, example = "5s")]
    wait: Option<Duration>,
    /// `latest`, or for frames `every`.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "every")]
    delivery: Option<DeliveryWord>,
    /// Names that begin so.
    prefix: Option<String>,
    /// An ordered list of patterns with commas between: `*` is one segment, `**` any number, `!`
    /// denies. Not together with `prefix`.
    glob: Option<String>,
    /// Frames for readers that do not follow sources: effective qualities.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    expand: bool,
    /// Whether frames go on at the head.
    follow: Option<bool>,
    /// Documents with definitions.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    meta: bool,
    /// Numbers that changed by no more than this since they were told are held back: `0.5`, or `1%`
    /// of the told value. A change of quality passes. With frames and events that follow, as the
    /// two below.
    #[param(example = "1%")]
    deadband: Option<String>,
    /// A datapoint is told at most so often; the newest sample wins and is told when the interval
    /// is over. A change of quality passes.
    #[serde(default, deserialize_with = "form::optional_duration")]
    #[param(value_type = Option<String>, example = "500ms")]
    min_interval: Option<Duration>,
    /// A datapoint is told again at least so often, changed or not; longer than `min_interval`.
    #[serde(default, deserialize_with = "form::optional_duration")]
    #[param(value_type = Option<String>, example = "1min")]
    max_interval: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DeliveryWord {
    Latest,
    Every,
}

/// Which of the four ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Frames, up to the head or without end.
    Frames { follow: bool },
    /// One document.
    Poll { wait: Duration },
    /// Events.
    Events,
}

/// A request, checked.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) way: Way,
    pub(super) since: Option<Cursor>,
    pub(super) delivery: Delivery,
    pub(super) filter: Filter,
    pub(super) expand: bool,
    pub(super) meta: bool,
    pub(super) squeeze: bool,
    pub(super) pacing: Pacing,
    /// What the reader has already.
    pub(super) digests: Option<Digests>,
    /// The kinds of events that the caller may see.
    pub(super) events: GlobSet,
}

impl Wish {
    pub(super) fn new(
        query: &ChangesQuery,
        headers: &HeaderMap,
        caller: &Caller,
    ) -> Result<Self, Problem> {
        let way = way(query, headers)?;
        let every = query.delivery == Some(DeliveryWord::Every);
        if every && !matches!(way, Way::Frames { .. }) {
            let detail = format!("delivery=every is offered with `Accept: {FRAMES}` only");
            return Err(Problem::new(Code::Query, detail));
        }
        let since = match way {
            Way::Events => text(headers, &LAST_EVENT_ID).or(query.since.as_deref()),
            _ => query.since.as_deref(),
        };
        let since = since.map(str::parse::<Cursor>).transpose();
        let wanted = query::wanted(query.prefix.as_deref(), query.glob.as_deref())?;
        Ok(Self {
            way,
            since: since.map_err(|error| Problem::new(Code::Cursor, error.to_string()))?,
            delivery: if every {
                Delivery::Every
            } else {
                Delivery::Latest
            },
            filter: caller.filter(wanted),
            expand: query.expand,
            meta: query.meta,
            squeeze: takes_zstd(headers),
            pacing: pacing(query, way)?,
            digests: None,
            events: caller.principal.rights.events.see.clone(),
        })
    }

    /// With what the reader has already; only a snapshot of frames can leave that out.
    pub(super) fn with_digests(mut self, body: &DigestBody) -> Result<Self, Problem> {
        let is_frames = matches!(self.way, Way::Frames { .. });
        if !is_frames || self.since.is_some() || self.expand {
            let detail =
                format!("digests go with `Accept: {FRAMES}`, without `since` and without `expand`");
            return Err(Problem::new(Code::Query, detail));
        }
        let digests = Digests::from_body(body);
        let wrong = |error: DigestError| Problem::new(Code::Member, error.to_string());
        self.digests = Some(digests.map_err(wrong)?);
        Ok(self)
    }

    /// A reader at the place that was asked for.
    pub(super) fn reader(&self, store: &Store) -> Result<Reader, Problem> {
        let (filter, delivery) = (self.filter.clone(), self.delivery);
        let reader = match (self.since, &self.digests) {
            (Some(cursor), _) => {
                Reader::resume(store, filter, delivery, cursor).map_err(expired)?
            }
            (None, Some(theirs)) => Reader::differences(filter, delivery, theirs.clone()),
            (None, None) => Reader::snapshot(filter, delivery),
        };
        let reader = reader.with_events(store, self.events.clone());
        // What is held back is told behind what came later.
        let holds_back = !self.pacing.is_none() && !self.expand;
        Ok(if holds_back {
            reader.naming_epochs()
        } else {
            reader
        })
    }
}

/// What the reader asks to be spared. What ends at the head has nothing to hold back.
fn pacing(query: &ChangesQuery, way: Way) -> Result<Pacing, Problem> {
    let wrong = |detail: String| Problem::new(Code::Query, detail);
    let deadband = query.deadband.as_deref().map(str::parse::<Deadband>);
    let deadband = deadband.transpose();
    let pacing = Pacing {
        deadband: deadband.map_err(|error| wrong(format!("deadband: {error}")))?,
        min_interval: query.min_interval,
        max_interval: query.max_interval,
    };
    pacing.check().map_err(|error| wrong(error.to_string()))?;
    let follows = matches!(way, Way::Frames { follow: true } | Way::Events);
    if !pacing.is_none() && !follows {
        let detail = format!(
            "deadband, min_interval and max_interval are offered with {EVENTS} and with {FRAMES} \
             that follow: who polls decides itself how often"
        );
        return Err(wrong(detail));
    }
    Ok(pacing)
}

/// The feed forgot what a slow reader would have to be told.
pub(super) fn forgotten() -> Problem {
    expired(StartError::Forgotten)
}

fn expired(error: StartError) -> Problem {
    let reason = match error {
        StartError::Epoch => "epoch",
        StartError::Filter => "filter",
        StartError::Forgotten => "forgotten",
        StartError::Ahead => "ahead",
    };
    // Who has content can send digests of it in place of the cursor.
    let features = serde_json::json!([FEATURE_DIGEST]);
    Problem::new(Code::Expired, error.to_string())
        .with("reason", reason)
        .with("features", features)
}

fn way(query: &ChangesQuery, headers: &HeaderMap) -> Result<Way, Problem> {
    let accept = text(headers, &ACCEPT).unwrap_or("*/*");
    let asks = |form: &str| accept.split(',').any(|part| essence(part) == form);
    if asks(EVENTS) {
        return Ok(Way::Events);
    }
    if asks(FRAMES) {
        let follow = query.follow.unwrap_or(true);
        return Ok(Way::Frames { follow });
    }
    let anything = asks("*/*") || asks("application/*");
    let polled = query.wait.is_some() || query.since.is_some() || asks(DOCUMENT);
    if polled && (anything || asks(DOCUMENT)) {
        let wait = query.wait.unwrap_or_default();
        return Ok(Way::Poll { wait });
    }
    if anything {
        let follow = query.follow.unwrap_or(false);
        return Ok(Way::Frames { follow });
    }
    let detail = format!("changes are offered as {FRAMES}, {EVENTS} and {DOCUMENT}");
    Err(Problem::new(Code::NotAcceptable, detail))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn essence(part: &str) -> &str {
    part.split(';').next().unwrap_or_default().trim()
}

fn takes_zstd(headers: &HeaderMap) -> bool {
    let accepted = text(headers, &ACCEPT_ENCODING).unwrap_or_default();
    accepted.split(',').any(|part| {
        let refused = part.split(';').any(|parameter| {
            let value = parameter.trim().strip_prefix("q=");
            value.is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0))
        });
        essence(part) == "zstd" && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(accept: Option<&'static str>, query: &ChangesQuery) -> Option<Way> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(ACCEPT, accept.parse().unwrap());
        }
        way(query, &headers).ok()
    }

    #[test]
    fn each_way_is_found() {
        let plain = ChangesQuery::default();
        let since = ChangesQuery {
            since: Some("x".into()),
            ..ChangesQuery::default()
        };
        let frames = |follow| Some(Way::Frames { follow });
        let poll = Some(Way::Poll {
            wait: Duration::ZERO,
        });
        assert_eq!(asked(None, &plain), frames(false));
        assert_eq!(asked(Some("application/x-ndjson"), &plain), frames(true));
        assert_eq!(asked(Some("text/event-stream"), &since), Some(Way::Events));
        assert_eq!(asked(None, &since), poll);
        assert_eq!(asked(Some("application/json"), &plain), poll);
        assert_eq!(asked(Some("image/png"), &plain), None);
    }

    #[test]
    fn zstd_is_taken_where_it_is_offered() {
        let takes = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, text.parse().unwrap());
            takes_zstd(&headers)
        };
        assert!(takes("gzip, zstd") && takes("zstd;q=0.5"));
        assert!(!takes("gzip") && !takes("zstd;q=0") && !takes("zstdx"));
    }
}
