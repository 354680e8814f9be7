//! Carries answers to events down to the remote that the events came from.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::StatusCode;
use mainstem_store::{EventErrand, EventError, SourceId, Store};
use mainstem_wire::api::event::EventTakenDocument;
use tokio::sync::{mpsc, oneshot};

use crate::connection::{Connection, Poster, RequestError};

/// Answers under way to one remote.
const UNDER_WAY_MAX: usize = 64;

type Told = (
    oneshot::Sender<Result<(), EventError>>,
    Result<(), EventError>,
);

pub(super) struct Answers {
    store: Arc<Store>,
    errands: mpsc::Receiver<EventErrand>,
    poster: Option<Poster>,
    under_way: FuturesUnordered<Pin<Box<dyn Future<Output = Told> + Send>>>,
}

impl Answers {
    pub(super) fn new(store: &Arc<Store>, link: SourceId) -> Self {
        Self {
            errands: store.register_answers(link),
            store: Arc::clone(store),
            poster: None,
            under_way: FuturesUnordered::new(),
        }
    }

    pub(super) fn set_connection(&mut self, connection: Option<&Connection>) {
        self.poster = connection.map(Connection::poster);
    }

    /// Waits for the next answer, or for what became of one, and deals with it. Cancel safe.
    pub(super) async fn step(&mut self) {
        let is_free = self.under_way.len() < UNDER_WAY_MAX;
        tokio::select! {
            Some(errand) = self.errands.recv(), if is_free => self.take(errand),
            Some((done, told)) = self.under_way.next(), if !self.under_way.is_empty() => {
                // Who answered may be gone; the event is answered all the same.
                done.send(told).ok();
            }
            else => std::future::pending().await,
        }
    }

    fn take(&mut self, errand: EventErrand) {
        let Some(poster) = &self.poster else {
            errand.done.send(Err(EventError::LinkDown)).ok();
            return;
        };
        // Whose answer it is goes with it; the remote adds this node by the name of its token.
        let body = serde_json::to_vec(&errand.reply).unwrap_or_default();
        let path = format!("/api/v1/events/{}/reply", errand.id);
        let answer = poster.post::<EventTakenDocument>(&path, body);
        let left = errand.deadline.since(self.store.clock().monotonic());
        let done = errand.done;
        self.under_way.push(Box::pin(async move {
            let answer = tokio::time::timeout(left, answer).await;
            let told = answer.map_or(Err(EventError::Over), |answer| told(&answer));
            (done, told)
        }));
    }
}

fn told(answer: &Result<EventTakenDocument, RequestError>) -> Result<(), EventError> {
    match answer {
        Ok(_) => Ok(()),
        Err(RequestError::Refused { status, .. }) => Err(match *status {
            StatusCode::CONFLICT => EventError::Over,
            StatusCode::NOT_FOUND => EventError::Unknown,
            _ => EventError::Refused,
        }),
        Err(_) => Err(EventError::LinkDown),
    }
}
