//! `/api/v1/link/loggers`: what nodes above read of what was recorded here.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::unfold;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use mainstem_datalogger::recorder::{Book, LoggerView};
use mainstem_datalogger::replica::{Watch, answer_rows, catalogue};
use mainstem_datalogger::{Row, SeriesId, SinkError};
use mainstem_model::GlobSet;
use mainstem_wire::api::ProblemDocument;
use mainstem_wire::{LOG_BYTES_MAX, LOG_FRAMES, LOG_WANTS_MAX, LogLine, LogWants, LogWatch};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, interval};

use super::answer::{self, Ended, Form};
use super::may_read;
use crate::Api;
use crate::auth::Caller;
use crate::body::Document;
use crate::grant::Grant;
use crate::problem::{Code, Problem};
use crate::query::{Nothing, Params};

/// Bytes of what opens a watch: its patterns are the remote entry's.
const WATCH_BYTES_MAX: usize = 1 << 20;
/// Bytes of a request for rows.
const WANTS_BYTES_MAX: usize = 256 << 10;
/// How often it is looked which rows are stored that did not pass live.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// How often the series are looked at, if none was told to have changed.
const SERIES_INTERVAL: Duration = Duration::from_secs(30);
/// Lines that wait for the reader, a batch each.
const LINES_MAX: usize = 4;

/// `POST /api/v1/link/loggers`: the series, which of their rows are stored, and rows as they come.
#[utoipa::path(
    post,
    path = "/api/v1/link/loggers",
    tag = "link",
    operation_id = "watch_loggers",
    request_body = LogWatch,
    responses(
        (status = 200, description = "Lines, see remote-protocol.md, section 26",
            content((String = "application/x-ndjson"))),
        (status = 503, description = "Too many readers", body = ProblemDocument)
    )
)]
pub(crate) async fn watch(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
    Document(asked): Document<LogWatch, WATCH_BYTES_MAX>,
) -> Result<Response, Problem> {
    caller.need_link()?;
    let wanted = GlobSet::new(&asked.loggers);
    let wanted = wanted.map_err(|error| Problem::new(Code::Value, error.to_string()))?;
    let permit = seat(&api)?;
    let (lines, taken) = mpsc::channel(LINES_MAX);
    let teller = Teller {
        book: api.parts.loggers(),
        grant: Grant::new(&api, &caller),
        watch: Watch::default(),
        described: None,
        lines,
        wanted,
        caller,
        api,
    };
    let told = Told {
        taken,
        telling: Some(Box::pin(teller.tell(asked.follow))),
        _permit: permit,
    };
    let body = unfold(told, |mut told| async move {
        let line = told.next().await?;
        Some((Ok::<_, io::Error>(line), told))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    let lines = HeaderValue::from_static("application/x-ndjson");
    headers.insert(CONTENT_TYPE, lines);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// `POST /api/v1/link/loggers/rows`: rows by their numbers.
#[utoipa::path(
    post,
    path = "/api/v1/link/loggers/rows",
    tag = "link",
    operation_id = "logger_rows",
    params(("Accept" = Option<String>, Header,
        description = "`application/x-mainstem-rows` for rows as columns")),
    request_body = LogWants,
    responses(
        (status = 200, description = "Lines or frames, see remote-protocol.md, section 26", content(
            (String = "application/x-ndjson"),
            (Vec<u8> = "application/x-mainstem-rows")
        )),
        (status = 422, description = "Too many series", body = ProblemDocument),
        (status = 503, description = "Too many readers", body = ProblemDocument)
    )
)]
pub(crate) async fn rows(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    headers: HeaderMap,
    caller: Caller,
    Document(mut asked): Document<LogWants, WANTS_BYTES_MAX>,
) -> Result<Response, Problem> {
    caller.need_link()?;
    if asked.want.len() > LOG_WANTS_MAX {
        let detail = format!("ask for at most {LOG_WANTS_MAX} series at once");
        return Err(Problem::new(Code::Value, detail));
    }
    asked.bytes = asked.bytes.clamp(1, LOG_BYTES_MAX);
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let form = match accept.is_some_and(|accept| accept.contains(LOG_FRAMES)) {
        true => Form::Frames,
        false => Form::Lines,
    };
    let Some(book) = api.parts.loggers() else {
        return answer::stream(&api, form, |_| Ok(()));
    };
    let readable = readable(&api, &caller, &book);
    let own = api.store.setup().node;
    answer::stream(&api, form, move |out| {
        let may = |series: SeriesId| readable.contains(&series);
        let mut send = |part: Vec<u8>| io::Write::write_all(out, &part).is_ok();
        let store = (&**book.sink(), own);
        answer_rows(store, &asked, form == Form::Frames, &may, &mut send).map_err(Ended::from)
    })
}

fn readable(api: &Arc<Api>, caller: &Caller, book: &Book) -> std::collections::HashSet<SeriesId> {
    let views = book.list(None, usize::MAX).into_iter();
    let views = views.filter(|view| may_read(api, caller, view));
    views.map(|view| view.series).collect()
}

fn seat(api: &Arc<Api>) -> Result<OwnedSemaphorePermit, Problem> {
    Arc::clone(&api.readers).try_acquire_owned().map_err(|_| {
        api.counters.readers_refused.inc();
        let detail = format!("{} readers are served already", api.limits.readers);
        Problem::new(Code::Busy, detail).retry_after(5)
    })
}

/// The answer of a watch: it lives as long as somebody reads it.
struct Told {
    taken: mpsc::Receiver<Bytes>,
    telling: Option<BoxFuture<'static, ()>>,
    _permit: OwnedSemaphorePermit,
}

impl Told {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let Some(telling) = &mut self.telling else {
                return self.taken.recv().await;
            };
            tokio::select! {
                biased;
                line = self.taken.recv() => return line,
                () = telling => self.telling = None,
            }
        }
    }
}

/// Tells one reader of the series.
struct Teller {
    api: Arc<Api>,
    caller: Caller,
    book: Option<Arc<Book>>,
    wanted: GlobSet,
    grant: Grant,
    watch: Watch,
    /// The version of the series that was told last, and when.
    described: Option<(u64, Instant)>,
    lines: mpsc::Sender<Bytes>,
}

/// Why nothing more is told.
enum Over {
    Gone,
    Unreadable(SinkError),
}

impl Teller {
    async fn tell(mut self, follow: bool) {
        let over = match self.book.clone() {
            Some(book) => self.follow(&book, follow).await,
            // The node records nothing, and that is all there is to say.
            None if !follow => Ok(()),
            None => self.idle().await,
        };
        match over {
            Ok(()) => {
                let end = LogLine {
                    end: true,
                    ..LogLine::default()
                };
                self.send(vec![end]).await.ok();
            }
            Err(Over::Unreadable(error)) => tracing::warn!(%error, "a watch of data loggers ends"),
            Err(Over::Gone) => {}
        }
    }

    /// Waits for loggers to come: then the reader asks again.
    async fn idle(&mut self) -> Result<(), Over> {
        let mut look = interval(LOOK_INTERVAL);
        while self.api.parts.loggers().is_none() {
            tokio::select! {
                () = self.lines.closed() => return Err(Over::Gone),
                () = self.api.stopping.cancelled() => return Err(Over::Gone),
                _ = look.tick() => {}
            }
        }
        Ok(())
    }

    async fn follow(&mut self, book: &Arc<Book>, follow: bool) -> Result<(), Over> {
        // From before the first look: what is stored between is told twice, never not at all.
        let mut live = book.tap().follow();
        self.look(book).await?;
        if !follow {
            return Ok(());
        }
        let stopping = self.api.stopping.clone();
        let mut look = interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while self.is_current(book) {
            tokio::select! {
                () = self.lines.closed() => return Err(Over::Gone),
                () = stopping.cancelled() => return Err(Over::Gone),
                rows = next(&mut live) => {
                    let lines = rows.map(|rows| self.watch.live(&rows)).unwrap_or_default();
                    self.send(lines).await?;
                }
                _ = look.tick() => self.look(book).await?,
            }
        }
        Ok(())
    }

    /// Whether the loggers are those that were begun with, and the reader may still have them.
    fn is_current(&mut self, book: &Arc<Book>) -> bool {
        let now = self.api.parts.loggers();
        now.is_some_and(|now| Arc::ptr_eq(&now, book)) && self.grant.holds()
    }

    async fn look(&mut self, book: &Arc<Book>) -> Result<(), Over> {
        let version = book.version();
        let is_new = self
            .described
            .is_none_or(|(told, at)| told != version || at.elapsed() >= SERIES_INTERVAL);
        if is_new {
            self.described = Some((version, Instant::now()));
            let may = |view: &LoggerView| may_read(&self.api, &self.caller, view);
            let series = catalogue(book, &self.wanted, &may);
            let lines = self.watch.describe(series);
            self.send(lines).await?;
        }
        let mut watch = std::mem::take(&mut self.watch);
        let sink = Arc::clone(book.sink());
        // A store on another machine may take its time.
        let looked = tokio::task::spawn_blocking(move || {
            let told = watch.ranges(&|series| sink.held(series));
            (watch, told)
        });
        let (watch, told) = looked.await.map_err(|_| Over::Gone)?;
        self.watch = watch;
        self.send(told.map_err(Over::Unreadable)?).await
    }

    async fn send(&self, lines: Vec<LogLine>) -> Result<(), Over> {
        for line in lines {
            let mut text = serde_json::to_vec(&line).unwrap_or_default();
            text.push(b'\n');
            let sent = self.lines.send(Bytes::from(text)).await;
            sent.map_err(|_| Over::Gone)?;
        }
        Ok(())
    }
}

/// The next rows; none if some were missed, which the next look tells of.
async fn next(live: &mut Receiver<Arc<Vec<Row>>>) -> Option<Arc<Vec<Row>>> {
    match live.recv().await {
        Ok(rows) => Some(rows),
        Err(RecvError::Lagged(_)) => None,
        // The book, and with it the tap, lives as long as this reads it.
        Err(RecvError::Closed) => std::future::pending().await,
    }
}
