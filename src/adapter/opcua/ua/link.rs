//! An open session and its traffic, in one piece: whoever drops it closes the connection.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use mainstem_adapter::{SessionEnd, Statistics};
use mainstem_model::Clock;
use opcua::client::transport::TransportPollResult;
use opcua::client::{Session, SessionActivity, SessionPollResult, SubscriptionActivity};
use opcua::types::{
    Error, Guid, Identifier as UaIdentifier, NodeId, StatusCode, VariableId, Variant,
};

use super::failure;
use super::requests::Requests;
use super::structures::Structures;
use crate::connection::ConnectionPlan;
use crate::node_address::{Identifier, Namespace, NodeAddress};

/// The loop of a session. Nothing is sent or received unless it is polled.
pub(crate) type SessionEvents =
    Pin<Box<dyn Stream<Item = Result<SessionPollResult, StatusCode>> + Send>>;

/// Operations in one request, whatever the server allows.
const OPERATIONS_MAX: usize = 500;
/// How long closing may take; it is not worth more.
const CLOSE: Duration = Duration::from_secs(1);

/// An open session.
pub(crate) struct Link {
    /// For requests.
    pub(crate) session: Arc<Session>,
    /// Its loop.
    pub(crate) events: SessionEvents,
    /// For messages.
    pub(crate) url: String,
    /// Whether there is no connection any more, so nothing to say goodbye on.
    pub(crate) gone: bool,
}

/// What the session's loop has to tell.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Something arrived from the server.
    Heard,
    /// The server did not answer a keep-alive, or says that it does not run.
    KeepAliveFailed(&'static str),
    /// Nothing of interest.
    Nothing,
}

/// What has to be known about a server before it is asked for values.
pub(crate) struct Server {
    /// Namespaces by index.
    namespaces: Vec<String>,
    /// Nodes in a read.
    pub(crate) read_max: usize,
    /// Monitored items in a request.
    pub(crate) items_max: usize,
    /// Browse paths in a request.
    pub(crate) paths_max: usize,
}

impl Link {
    /// Polls until the session is there, or says why not.
    pub(super) async fn connected(events: &mut SessionEvents) -> Result<(), StatusCode> {
        loop {
            match events.next().await {
                Some(Ok(SessionPollResult::Reconnected(_))) => return Ok(()),
                Some(Ok(SessionPollResult::ReconnectFailed(status))) | Some(Err(status)) => {
                    return Err(status);
                }
                Some(Ok(_)) => {}
                None => return Err(StatusCode::BadConnectionClosed),
            }
        }
    }

    /// The next event; an error ends the session. Cancel safe.
    pub(crate) async fn event(&mut self) -> Result<Event, SessionEnd> {
        let event = self.events.next().await;
        self.judge(event.as_ref())
    }

    fn judge(
        &mut self,
        event: Option<&Result<SessionPollResult, StatusCode>>,
    ) -> Result<Event, SessionEnd> {
        match event {
            None => Err(self.ended(StatusCode::BadConnectionClosed)),
            Some(Err(status) | Ok(SessionPollResult::ConnectionLost(status))) => {
                self.gone = true;
                Err(self.ended(*status))
            }
            Some(Ok(SessionPollResult::Transport(TransportPollResult::IncomingMessage))) => {
                Ok(Event::Heard)
            }
            Some(Ok(SessionPollResult::Subscription(
                SubscriptionActivity::FatalFailure(status)
                | SubscriptionActivity::PublishFailed(
                    status @ (StatusCode::BadNoSubscription | StatusCode::BadSubscriptionIdInvalid),
                ),
            ))) => Err(self.ended(*status)),
            Some(Ok(SessionPollResult::SessionActivity(SessionActivity::KeepAliveFailed(
                status,
            )))) => {
                if failure::is_fatal(*status) {
                    return Err(self.ended(*status));
                }
                Ok(Event::KeepAliveFailed(failure::name(*status)))
            }
            Some(Ok(_)) => Ok(Event::Nothing),
        }
    }

    /// The end of the session for a reason that the stack or the server gave.
    pub(crate) fn ended(&mut self, status: StatusCode) -> SessionEnd {
        // Whoever polls the loop of a lost connection makes it connect again.
        self.gone |= failure::is_fatal(status);
        failure::ended(&self.url, status)
    }

    /// What every request on this link needs.
    pub(crate) fn requests(
        &self,
        plan: &ConnectionPlan,
        statistics: &Arc<Statistics>,
        clock: &Arc<dyn Clock>,
    ) -> Requests {
        Requests {
            session: self.session.clone(),
            timeout: plan.request_timeout,
            statistics: Arc::clone(statistics),
            clock: Arc::clone(clock),
            read_back: plan.read_back,
            structures: Arc::new(Structures::new(self.session.decoding_options().clone())),
        }
    }

    /// Waits for a request while the loop is polled.
    pub(crate) async fn drive<T>(
        &mut self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, SessionEnd> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => {
                    return done.map_err(|error| self.ended(error.status()));
                }
                event = self.event() => { event?; }
            }
        }
    }

    /// Says goodbye, if that is quickly done.
    pub(crate) async fn close(mut self) {
        if self.gone {
            return;
        }
        let session = self.session.clone();
        let closing = session.disconnect();
        tokio::pin!(closing);
        let both = async {
            loop {
                tokio::select! {
                    done = &mut closing => break drop(done),
                    event = self.events.next() => if event.is_none() { break },
                }
            }
        };
        drop(tokio::time::timeout(CLOSE, both).await);
    }
}

impl Server {
    /// Asks for what has to be known.
    pub(crate) async fn learn(requests: &Requests) -> Result<Self, Error> {
        let wanted = [
            VariableId::Server_NamespaceArray,
            VariableId::Server_ServerCapabilities_OperationLimits_MaxNodesPerRead,
            VariableId::Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall,
            VariableId::Server_ServerCapabilities_OperationLimits_MaxNodesPerTranslateBrowsePathsToNodeIds,
        ];
        let found = requests
            .read_values(wanted.map(NodeId::from).to_vec())
            .await?;
        let namespaces = match found.first().and_then(|value| value.value.as_ref()) {
            Some(Variant::Array(array)) => array.values.iter().map(Variant::to_string).collect(),
            _ => Vec::new(),
        };
        // 0, or no such node, means that there is no limit.
        let limit = |index: usize| match found.get(index).and_then(|value| value.value.as_ref()) {
            Some(Variant::UInt32(limit)) if *limit > 0 => usize::try_from(*limit)
                .unwrap_or(OPERATIONS_MAX)
                .min(OPERATIONS_MAX),
            _ => OPERATIONS_MAX,
        };
        Ok(Self {
            namespaces,
            read_max: limit(1),
            items_max: limit(2),
            paths_max: limit(3),
        })
    }

    /// The index of a namespace, unless the server does not know it.
    pub(crate) fn namespace(&self, namespace: &Namespace) -> Option<u16> {
        match namespace {
            Namespace::Index(index) => Some(*index),
            Namespace::Uri(uri) => {
                let index = self.namespaces.iter().position(|known| known == uri)?;
                u16::try_from(index).ok()
            }
        }
    }

    /// The node of an address, unless the server does not know its namespace.
    pub(crate) fn node(&self, address: &NodeAddress) -> Option<NodeId> {
        let namespace = self.namespace(&address.namespace)?;
        let identifier = match &address.identifier {
            Identifier::Numeric(number) => UaIdentifier::Numeric(*number),
            Identifier::Text(text) => UaIdentifier::String(text.as_str().into()),
            Identifier::Guid(guid) => UaIdentifier::Guid(Guid::from(*guid)),
            Identifier::Opaque(bytes) => UaIdentifier::ByteString(bytes.clone().into()),
        };
        Some(NodeId {
            namespace,
            identifier,
        })
    }
}
