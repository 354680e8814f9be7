//! The stack's own way back into a session, step by step: the stack would make subscriptions anew
//! beside those that the server still has, and asks for no message that was lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use mainstem_adapter::SessionEnd;
use opcua::client::{SessionConnectMode, SessionPollResult};
use opcua::types::{NotificationMessage, StatusCode};
use parking_lot::Mutex;

use super::failure;
use super::link::Link;
use super::subscribe::{Inbox, following};
use crate::connection::ConnectionPlan;

/// Lost messages of one subscription that are asked for; servers keep fewer.
const REPUBLISHED_MAX: usize = 1000;
/// How long the stack may need to see that its connection is cut.
const CUT: Duration = Duration::from_secs(1);

/// How a server received us.
pub(crate) enum Back {
    /// It still knew the session.
    Same,
    /// It did not, and made a new one.
    New,
    /// There is no server.
    NobodyThere(SessionEnd),
    /// There is one, and it did not work.
    Refused(SessionEnd),
}

/// Subscriptions from before.
pub(crate) struct Subscriptions<'a> {
    /// By publishing interval.
    pub(crate) ids: &'a BTreeMap<Duration, u32>,
    /// Where their values arrive.
    pub(crate) inbox: &'a Arc<Mutex<Inbox>>,
}

impl Link {
    /// Ends the connection, whatever the server does, and keeps the session. Nothing if that
    /// cannot be.
    pub(crate) async fn park(mut self) -> Option<Self> {
        if !self.lost {
            self.wire.cut();
            let seen = async {
                while let Some(Ok(result)) = self.events.next().await {
                    if matches!(result, SessionPollResult::ConnectionLost(_)) {
                        return true;
                    }
                }
                false
            };
            self.lost = tokio::time::timeout(CUT, seen).await.unwrap_or(false);
        }
        self.lost.then_some(self)
    }

    /// Connects again, once.
    pub(crate) async fn resume(&mut self, plan: &ConnectionPlan) -> Back {
        (self.lost, self.gone) = (false, false);
        let again = async {
            loop {
                match self.events.next().await {
                    Some(Ok(SessionPollResult::Reconnected(mode))) => return Ok(mode),
                    Some(Ok(SessionPollResult::ReconnectFailed(status)) | Err(status)) => {
                        return Err(status);
                    }
                    Some(Ok(_)) => {}
                    None => return Err(StatusCode::BadConnectionClosed),
                }
            }
        };
        let again = tokio::time::timeout(plan.request_timeout * 2, again).await;
        match again.unwrap_or(Err(StatusCode::BadTimeout)) {
            Ok(mode) => {
                self.wire.remember();
                match mode {
                    SessionConnectMode::ReactivatedSession(_) => Back::Same,
                    SessionConnectMode::NewSession(_) => Back::New,
                }
            }
            Err(status) => {
                // The stack is still connecting, and may be polled again.
                (self.lost, self.gone) = (true, true);
                let end = failure::ended(&self.url, status);
                match status {
                    StatusCode::BadServerNotConnected | StatusCode::BadCommunicationError => {
                        Back::NobodyThere(end)
                    }
                    _ => Back::Refused(end),
                }
            }
        }
    }

    /// Takes subscriptions over, and what they sent to nobody; false if the server does not have
    /// all of them any more.
    pub(crate) async fn take_over(
        &mut self,
        subscriptions: Subscriptions<'_>,
        known: bool,
    ) -> Result<bool, SessionEnd> {
        let session = self.session.clone();
        if !known {
            let ids: Vec<_> = subscriptions.ids.values().copied().collect();
            let moved = self
                .drive(async { Ok(session.transfer_subscriptions(&ids, true).await) })
                .await?;
            let all = moved.is_ok_and(|moved| {
                moved.len() == ids.len() && moved.iter().all(|one| one.status_code.is_good())
            });
            if !all {
                return Ok(false);
            }
        }
        for (publish, id) in subscriptions.ids {
            if !self.fetch(*publish, *id, subscriptions.inbox).await? {
                return Ok(false);
            }
        }
        session.trigger_publish_now();
        Ok(true)
    }

    // The messages after the last one that arrived (part 4, 5.14.6).
    async fn fetch(
        &mut self,
        publish: Duration,
        id: u32,
        inbox: &Arc<Mutex<Inbox>>,
    ) -> Result<bool, SessionEnd> {
        let session = self.session.clone();
        let last = inbox.lock().numbers.get(&publish).copied();
        let mut wanted = last.map_or(1, following);
        for _ in 0..REPUBLISHED_MAX {
            let asked = async { Ok(session.republish(id, wanted).await) };
            match self.drive(asked).await? {
                Ok(message) if is_there(&message, wanted) => {
                    inbox.lock().receive(publish, message);
                    wanted = following(wanted);
                }
                Err(error)
                    if matches!(
                        error.status(),
                        StatusCode::BadSubscriptionIdInvalid | StatusCode::BadNoSubscription
                    ) =>
                {
                    return Ok(false);
                }
                // There is none, or the server keeps none.
                _ => break,
            }
        }
        Ok(true)
    }
}

fn is_there(message: &NotificationMessage, wanted: u32) -> bool {
    let data = message.notification_data.as_ref();
    message.sequence_number == wanted && data.is_some_and(|data| !data.is_empty())
}
