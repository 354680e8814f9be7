//! What happens on a connection, whichever version of MQTT it speaks.

use bytes::Bytes;
use mainstem_model::TopicFilter;
use uuid::Uuid;

use super::{ExternalSetup, Version, five, three};
use crate::{Publication, Qos};

/// Something that happened on the connection.
#[derive(Debug)]
pub(super) enum Happening {
    /// The broker has let us in.
    Up {
        /// It still has the session.
        resumed: bool,
        /// It can say by which filter a message comes.
        tells_filters: bool,
        /// The longest packet that it takes, where it says so.
        packet_bytes: Option<usize>,
        /// How many messages may be in flight.
        in_flight: u16,
    },
    /// A message has got a packet id, 0 with QoS 0.
    Sent(u16),
    /// The broker has acknowledged a message, or why it does not take it.
    Acknowledged(u16, Result<(), String>),
    /// The broker does not take a message of QoS 2, and why: its place in flight stays blocked.
    Blocked(u16, String),
    /// A SUBSCRIBE has got a packet id.
    Asked(u16),
    /// The broker has granted a filter, or why not.
    Granted(u16, Result<(), String>),
    /// A message came.
    Arrived(Arrived),
    /// Something that is nobody's business.
    Else,
}

/// A message as it came.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) qos: Qos,
    pub(super) retained: bool,
    /// The numbers of the filters by which it came, where the broker tells.
    pub(super) filters: Vec<usize>,
    pub(super) origin: Option<Uuid>,
}

/// The connection's task's end.
pub(super) enum Line {
    Five(Box<five::Line>),
    Three(Box<three::Line>),
}

/// The callers' end. Nothing of it waits.
pub(super) enum Remote {
    Five(five::Remote),
    Three(three::Remote),
}

/// There is no room for one more request.
#[derive(Debug)]
pub(super) struct Full;

impl Line {
    pub(super) fn new(setup: &ExternalSetup) -> (Self, Remote) {
        match setup.version {
            Version::Five => {
                let (line, remote) = five::Line::new(setup);
                (Self::Five(Box::new(line)), Remote::Five(remote))
            }
            Version::Three => {
                let (line, remote) = three::Line::new(setup);
                (Self::Three(Box::new(line)), Remote::Three(remote))
            }
        }
    }

    /// What happens next. Dropping it half way may lose a packet: only to end the connection.
    pub(super) async fn poll(&mut self) -> Result<Happening, String> {
        match self {
            Self::Five(line) => line.poll().await,
            Self::Three(line) => line.poll().await,
        }
    }

    /// Forgets the connection. What has a packet id is sent again in the same session, as the
    /// protocol wants it; nothing else is kept.
    pub(super) fn hang_up(&mut self) {
        match self {
            Self::Five(line) => line.hang_up(),
            Self::Three(line) => line.hang_up(),
        }
    }

    /// How many messages are going to be sent again.
    pub(super) fn resends(&self) -> usize {
        match self {
            Self::Five(line) => line.resends(),
            Self::Three(line) => line.resends(),
        }
    }
}

impl Remote {
    pub(super) fn publish(&self, publication: Publication) -> Result<(), Full> {
        match self {
            Self::Five(remote) => remote.publish(publication),
            Self::Three(remote) => remote.publish(publication),
        }
    }

    pub(super) fn subscribe(&self, filter: &TopicFilter, number: Option<u32>) -> Result<(), Full> {
        match self {
            Self::Five(remote) => remote.subscribe(filter, number),
            Self::Three(remote) => remote.subscribe(filter),
        }
    }

    pub(super) fn unsubscribe(&self, filter: &TopicFilter) -> Result<(), Full> {
        match self {
            Self::Five(remote) => remote.unsubscribe(filter),
            Self::Three(remote) => remote.unsubscribe(filter),
        }
    }

    pub(super) fn disconnect(&self) -> Result<(), Full> {
        match self {
            Self::Five(remote) => remote.disconnect(),
            Self::Three(remote) => remote.disconnect(),
        }
    }
}
