//! What happens on a connection, whichever version of MQTT it speaks.

use std::sync::Arc;

use bytes::Bytes;
use mainstem_adapter::{Direction, SessionEnd, Trace};
use rustls::ClientConfig;

use crate::config::Version;
use crate::plan::BrokerPlan;
use crate::{five, three, told};

/// Requests that may wait for the connection's task; all filters and writes fit.
pub(crate) const REQUESTS_MAX: usize = crate::plan::FILTERS_MAX + 256;
/// Messages of QoS 1 and 2 on their way at once; more than writes on their way.
pub(crate) const IN_FLIGHT_MAX: u16 = 100;

/// Something that happened on the connection.
#[derive(Debug)]
pub(crate) enum Happening {
    /// The broker has let us in.
    Up,
    /// A message has got a packet id, 0 with QoS 0: it is on its way.
    Sent(u16),
    /// The broker has acknowledged a message, or why it does not take it.
    Acknowledged(u16, Result<(), String>),
    /// A SUBSCRIBE has got a packet id.
    Asked(u16),
    /// The broker has granted a filter, or why not.
    Granted(u16, Result<(), String>),
    /// A message came.
    Arrived {
        /// Its topic.
        topic: String,
        /// What it says.
        payload: Bytes,
    },
    /// Something that is nobody's business.
    Else,
}

/// The end that is polled.
pub(crate) enum Line {
    Five(Box<five::Line>),
    Three(Box<three::Line>),
}

/// The end that asks. Nothing of it waits.
pub(crate) struct Remote {
    spoken: Spoken,
    trace: Trace,
}

enum Spoken {
    Five(five::Remote),
    Three(three::Remote),
}

/// A message to be published.
pub(crate) struct Letter<'a> {
    pub(crate) topic: &'a str,
    pub(crate) payload: Vec<u8>,
    pub(crate) qos: u8,
    pub(crate) retain: bool,
}

/// There is no room for one more request.
#[derive(Debug)]
pub(crate) struct Full;

impl Line {
    pub(crate) fn new(
        plan: &BrokerPlan,
        tls: Option<Arc<ClientConfig>>,
        trace: &Trace,
    ) -> (Self, Remote) {
        trace.note(|| format!("connects to {} as {}", plan.address(), plan.client_id));
        let (line, spoken) = match plan.config.version {
            Version::Five => {
                let (line, remote) = five::Line::new(plan, tls, trace);
                (Self::Five(Box::new(line)), Spoken::Five(remote))
            }
            Version::Three => {
                let (line, remote) = three::Line::new(plan, tls, trace);
                (Self::Three(Box::new(line)), Spoken::Three(remote))
            }
        };
        let trace = trace.clone();
        (line, Remote { spoken, trace })
    }

    /// What happens next. Dropping it half way may lose a packet: only to end the connection.
    pub(crate) async fn poll(&mut self) -> Result<Happening, SessionEnd> {
        match self {
            Self::Five(line) => Box::pin(line.poll()).await,
            Self::Three(line) => Box::pin(line.poll()).await,
        }
    }
}

impl Remote {
    pub(crate) fn publish(&self, letter: Letter<'_>) -> Result<(), Full> {
        self.trace.frame(Direction::Sent, &letter.payload, || {
            told::published(letter.topic, &letter.payload, letter.qos, letter.retain)
        });
        match &self.spoken {
            Spoken::Five(remote) => remote.publish(letter),
            Spoken::Three(remote) => remote.publish(letter),
        }
    }

    pub(crate) fn subscribe(&self, filter: &str, qos: u8) -> Result<(), Full> {
        self.trace.frame(Direction::Sent, &[], || {
            format!("SUBSCRIBE {filter} with QoS {qos}")
        });
        match &self.spoken {
            Spoken::Five(remote) => remote.subscribe(filter, qos),
            Spoken::Three(remote) => remote.subscribe(filter, qos),
        }
    }

    /// Says goodbye, as far as there is room for it.
    pub(crate) fn disconnect(&self) {
        match &self.spoken {
            Spoken::Five(remote) => remote.disconnect(),
            Spoken::Three(remote) => remote.disconnect(),
        }
    }
}

/// The broker has answered and does not want us.
pub(crate) fn refused(code: &str) -> SessionEnd {
    SessionEnd::Refused {
        code: "not_admitted",
        message: format!(
            "the broker does not let this client in: {code}; look at user, password and client id"
        ),
        retry_after: None,
    }
}

/// The connection broke, or never came up.
pub(crate) fn lost(error: &dyn std::error::Error) -> SessionEnd {
    SessionEnd::lost(
        "connection",
        format!("the connection to the broker: {error}"),
    )
}
