//! Who may come to the broker and what he may do: decided by the node, asked here.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use mainstem_model::TopicRights;

/// What somebody says of himself.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// The user name, which decides nothing.
    pub user: Option<&'a str>,
    /// The password: a token of the node.
    pub password: Option<&'a [u8]>,
    /// From where he comes.
    pub address: SocketAddr,
}

/// Somebody who was recognised.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The name of the principal.
    pub name: Arc<str>,
    /// What he may do.
    pub rights: Arc<TopicRights>,
}

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAdmitted {
    /// He is not known, or may not come from there.
    Unknown,
    /// He tried too often.
    Throttled,
}

/// The node's own say. Called on the tasks of the broker: it must not block.
pub trait Gate: Send + Sync + 'static {
    /// Who somebody is.
    fn admit(&self, login: &Login<'_>) -> Result<Guest, NotAdmitted>;

    /// What a principal may do now; nothing if he may not be here any more.
    fn rights(&self, principal: &str) -> Option<Arc<TopicRights>>;

    /// Something was refused. Not called for more than a few refusals a second: `more` counts
    /// those before this one of which nothing was said.
    fn refused(&self, refused: &Refused, more: u64);
}

/// Something that the broker did not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Who wanted it, as far as it is known.
    pub principal: Option<Arc<str>>,
    /// From where he comes, where it is known.
    pub address: Option<SocketAddr>,
    /// His client id, cut to its greatest length.
    pub client: String,
    /// What it was.
    pub breach: Breach,
}

/// What was not done, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breach {
    /// A login with a wrong token, or from a wrong place.
    Login,
    /// Too many logins failed.
    Throttled,
    /// A client id that is too long, reserved, or has characters that do not belong there.
    ClientId,
    /// The client id is that of another principal's session.
    Stolen,
    /// There are as many sessions as may be.
    Sessions,
    /// There are as many connections as may be.
    Connections,
    /// A message on a topic that he may not publish on.
    Publish(String),
    /// A filter that he may not subscribe to.
    Subscribe(String),
    /// The first packet is not CONNECT.
    NotConnect,
    /// A second CONNECT.
    SecondConnect,
    /// A packet that is longer than it may be, in bytes.
    TooLong(usize),
    /// A length that takes five bytes.
    Length,
    /// A packet that only a broker may send, or none at all.
    Direction,
    /// The connection was ended because its packets break the protocol.
    Protocol(String),
}

impl Breach {
    /// The word for it, in metrics and in the audit trail.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Throttled => "throttled",
            Self::ClientId => "client_id",
            Self::Stolen => "foreign_session",
            Self::Sessions => "sessions",
            Self::Connections => "connections",
            Self::Publish(_) => "publish",
            Self::Subscribe(_) => "subscribe",
            Self::NotConnect => "not_connect",
            Self::SecondConnect => "second_connect",
            Self::TooLong(_) => "packet_size",
            Self::Length => "length",
            Self::Direction => "packet_type",
            Self::Protocol(_) => "protocol",
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login => f.write_str("the token is not valid here"),
            Self::Throttled => f.write_str("too many failed logins"),
            Self::ClientId => f.write_str("the client id may not be used"),
            Self::Stolen => f.write_str("the session is another principal's"),
            Self::Sessions => f.write_str("as many sessions as may be"),
            Self::Connections => f.write_str("as many connections as may be"),
            Self::Publish(topic) => write!(f, "no right to publish on {topic:?}"),
            Self::Subscribe(filter) => write!(f, "no right to subscribe to {filter:?}"),
            Self::NotConnect => f.write_str("the first packet is not CONNECT"),
            Self::SecondConnect => f.write_str("a second CONNECT"),
            Self::TooLong(bytes) => write!(f, "a packet of {bytes} bytes"),
            Self::Length => f.write_str("a length of five bytes"),
            Self::Direction => f.write_str("a packet that no client sends"),
            Self::Protocol(what) => write!(f, "it broke the protocol: {what}"),
        }
    }
}
