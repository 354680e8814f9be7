//! Answers of any length in memory that does not grow with them: a thread that may wait for the disk
//! fills pieces, and waits while the client has not taken those before.

use std::io::{self, Write};
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::unfold;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, header};
use mainstem_datalogger::SinkError;
use tokio::sync::mpsc;

use crate::Api;
use crate::problem::{Code, Problem};

/// Bytes of one piece, about.
const PIECE_BYTES: usize = 32 * 1024;
/// Pieces that wait for the client.
const PIECES_MAX: usize = 4;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One document.
    Json,
    /// One document a line.
    Lines,
    /// A table.
    Csv,
    /// Rows as columns, between nodes.
    Frames,
}

impl Form {
    /// By the parameter, or else by the header.
    pub(super) fn of(asked: Option<&str>, headers: &HeaderMap) -> Result<Self, Problem> {
        let accept = headers
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok());
        let accept = accept.unwrap_or_default();
        match asked {
            Some("json") => Ok(Self::Json),
            Some("ndjson") => Ok(Self::Lines),
            Some("csv") => Ok(Self::Csv),
            Some(_) => Err(Problem::new(Code::Query, "format is json, ndjson or csv")),
            None if accept.contains("application/x-ndjson") => Ok(Self::Lines),
            None if accept.contains("text/csv") => Ok(Self::Csv),
            None => Ok(Self::Json),
        }
    }

    fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::Lines => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Frames => mainstem_wire::LOG_FRAMES,
        })
    }
}

/// Where an answer is written.
pub(super) struct Out {
    pieces: mpsc::Sender<Bytes>,
    buffer: Vec<u8>,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.buffer));
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.pieces.blocking_send(piece).map_err(gone)
    }
}

/// Why an answer ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// Rows for another node ended early.
    #[error(transparent)]
    Rows(#[from] mainstem_datalogger::replica::AnswerError),
    /// The client went away.
    #[error("the client went away")]
    Gone(#[from] io::Error),
    /// The store could not be read to the end.
    #[error(transparent)]
    Sink(#[from] SinkError),
}

/// Answers with what is told. A place among the readers is held as long as it lasts.
pub(super) fn stream(
    api: &Arc<Api>,
    form: Form,
    tell: impl FnOnce(&mut Out) -> Result<(), Ended> + Send + 'static,
) -> Result<Response, Problem> {
    let Ok(permit) = Arc::clone(&api.readers).try_acquire_owned() else {
        api.counters.readers_refused.inc();
        let detail = format!("{} readers are served already", api.limits.readers);
        return Err(Problem::new(Code::Busy, detail).retry_after(5));
    };
    let (pieces, taken) = mpsc::channel(PIECES_MAX);
    let mut out = Out {
        pieces,
        buffer: Vec::with_capacity(PIECE_BYTES),
    };
    let (fate, told) = tokio::sync::oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let ended = tell(&mut out).and_then(|()| Ok(out.flush()?));
        if let Err(Ended::Sink(error)) = &ended {
            tracing::warn!(%error, "an answer of a data logger was cut off");
        }
        if fate.send(ended.is_ok()).is_err() {
            tracing::debug!("nobody waits for the end of an answer");
        }
    });
    let body = unfold((taken, Some(told)), |(mut taken, told)| async move {
        if let Some(piece) = taken.recv().await {
            return Some((Ok::<_, io::Error>(piece), (taken, told)));
        }
        // A client must not take a part for the whole: the connection breaks.
        let whole = told?.await.unwrap_or(false);
        let cut = || Err(io::Error::other("the store could not be read to the end"));
        (!whole).then(|| (cut(), (taken, None)))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, form.media_type());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The store does not answer.
pub(super) fn unreadable(error: &SinkError) -> Problem {
    tracing::warn!(%error, "the data logger store cannot be read");
    // Where the store is, is no business of everybody who may read a datapoint.
    let detail = match error {
        SinkError::Read { reason, .. } => {
            format!("the data logger store cannot be read now: {reason}")
        }
        _ => "the data logger store cannot be read now".to_owned(),
    };
    Problem::new(Code::NoOwner, detail)
}

/// A text in a table that no spreadsheet takes for a formula. An import takes one apostrophe off
/// again, so a text that begins with one gets another.
pub(super) fn csv_text(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'']);
    let guard = if is_formula { "'" } else { "" };
    let is_blank = text.trim() != text || text.is_empty();
    let quoted = text.contains(['"', ',', ';', '\n', '\r', '\t']) || is_formula || is_blank;
    if quoted {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// A number as JSON and tables have it.
pub(super) fn number(number: f64) -> String {
    if number.is_finite() {
        let mut out = Vec::new();
        mainstem_wire::write_value(&mainstem_model::Value::F64(number), &mut out);
        return String::from_utf8(out).unwrap_or_default();
    }
    "null".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula() {
        for (text, wanted) in [
            ("plain", "plain"),
            ("=1+1", "\"'=1+1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("-2", "\"'-2\""),
            ("+49", "\"'+49\""),
            ("\t=1", "\"'\t=1\""),
            ("a,b", "\"a,b\""),
            ("'tis", "\"''tis\""),
            (" a", "\" a\""),
            ("", "\"\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ] {
            assert_eq!(csv_text(text), wanted);
        }
    }
}
