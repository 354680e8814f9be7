//! Links: how a node replicates its remotes. The protocol is pure (`machine`, `mirror`); the
//! driver around it owns connections and tasks.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod canary;
mod clock;
mod config;
mod connection;
mod dial;
mod drift;
mod hsyco;
mod lines;
mod link;
mod loggers;
mod machine;
mod mirror;
mod rate;
mod remedy;
mod serving;
mod support;
mod timing;
mod tunnel;
mod uplink;
mod view;

pub use canary::CanaryView;
pub use clock::{Offset, OffsetWindow};
pub use config::{
    Delivery, DialFrom, DriftAction, Mode, Profile, ProxyAddress, ProxyError, RemoteConfig,
    RemoteKind, RemoteSection, Route, RouteError, TargetState, Trust, UplinkConfig, UplinkSection,
};
pub use dial::{
    Dial, DialError, Dialled, Io, Protocol, ProxyWay, Reached, Reaching, TcpWay, TlsDial,
    TunnelWay, Way,
};
pub use drift::ClockState;
pub use hsyco::{HsycoLink, HsycoOptions};
pub use link::{Below, ClockOptions, Link, LinkOptions};
pub use loggers::{
    IntakeError, LoggerHome, LoggerIntake, LoggerOptions, LoggerStanding, LoggersStanding,
    LoggersState, LoggersView, Taking,
};
pub use machine::{Action, LinkMachine, LinkState};
pub use mirror::{DigestRequest, Mirror, MirrorCounters, MirrorError, MirrorLimits, PutBack, Step};
pub use serving::{ServedStream, Serving};
pub use support::{SUPPORT_UNDER_WAY_MAX, SupportBody, SupportError};
pub use timing::Timing;
pub use tunnel::{TunnelPlace, TunnelQueue, TunnelRefusal, TunnelView, Tunnels, WAITING_MAX};
pub use uplink::{Serve, Uplink, UplinkOptions, UplinkState, UplinkView};
pub use view::{RemoteView, StateHook};
