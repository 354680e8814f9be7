//! Signs of life: of the connection, of the server, and of each subscription.

use std::time::Duration;

use mainstem_adapter::SessionEnd;
use tokio::time::Instant;

use super::running::Running;
use crate::ua::{StatusCode, failure};

/// Signs of life that may be missing while something else arrives: answers that nobody asked for
/// are no life.
const UNANSWERED_MAX: u32 = 6;

impl Running<'_> {
    // Some servers answer one request after the other, so while one of ours is under way the
    // keep-alive may have to wait behind it.
    pub(super) fn silent_at(&self) -> Instant {
        let connection = &self.plan.connection;
        let answers = if self.jobs.is_empty() { 1 } else { 2 };
        let call = self.calling.values().max().copied().unwrap_or_default();
        self.heard + connection.keep_alive + connection.request_timeout * answers + call
    }

    /// The end of a session whose server is silent.
    pub(super) fn silence(&mut self, now: Instant) -> SessionEnd {
        self.link.gone = true;
        let silence = now.duration_since(self.heard).as_secs_f64();
        let message = format!(
            "the server at {} is silent for {silence:.1} s",
            self.link.url
        );
        SessionEnd::lost("keep_alive", message)
    }

    /// The server was asked for its state and did not answer, or does not run. While a call is
    /// under way some servers answer nothing else.
    pub(super) fn on_unanswered(&mut self, code: &'static str) {
        self.io.statistics().failed(code);
        let is_silent = code == failure::name(StatusCode::BadTimeout);
        self.unanswered += u32::from(is_silent && self.calling.is_empty());
    }

    /// Whether the server answers, too, and does not only talk.
    pub(super) fn check_answers(&mut self) -> Result<(), SessionEnd> {
        if self.unanswered < UNANSWERED_MAX {
            return Ok(());
        }
        self.link.gone = true;
        let message = format!(
            "the server at {} sends something and has not answered {UNANSWERED_MAX} times when it \
             was asked for its state",
            self.link.url
        );
        Err(SessionEnd::lost("keep_alive", message))
    }

    // A server that forgets a subscription, or does not know where to send what it has, says
    // nothing about it.
    pub(super) fn check_subscriptions(&mut self, now: Instant) -> Result<(), SessionEnd> {
        for publish in self.subscriptions.keys().copied() {
            let answered = *self.answered.entry(publish).or_insert(now);
            let patience = self.patience(publish);
            if now >= answered + patience {
                let message = format!(
                    "the server at {} has sent nothing for a subscription for {:.1} s, not even a \
                     sign of life",
                    self.link.url,
                    patience.as_secs_f64()
                );
                return Err(SessionEnd::lost("subscription_lost", message));
            }
        }
        Ok(())
    }

    // Three signs of life may be missing.
    pub(super) fn patience(&self, publish: Duration) -> Duration {
        let points = self.subscribed.get(&publish).map_or(&[][..], Vec::as_slice);
        let sign_of_life = self.sign_of_life(points).max(publish);
        let connection = &self.plan.connection;
        sign_of_life * 3
            + connection.keep_alive
            + self.calling.values().max().copied().unwrap_or_default()
    }
}
