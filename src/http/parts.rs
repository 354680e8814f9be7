//! The running parts of a node as the API shows them; the composition root brings them.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use mainstem_adapter::{AdapterView, TraceReader};
use mainstem_bus::Bus;
use mainstem_datalogger::recorder::Book;
use mainstem_flowsync::FlowSync;
use mainstem_mapping::Mappings;
use mainstem_model::Monotonic;
use mainstem_remote::{Below, RemoteView, SupportBody, SupportError, Tunnels, UplinkView};
use mainstem_store::SourceId;
use mainstem_wire::api::BusDocument;
use mainstem_wire::api::doctor::LinkDoctor;
use mainstem_wire::api::explain::{ExplainStep, LinkExplain};
use mainstem_wire::api::history::{LinkSums, LinkSumsDocument};
use mainstem_wire::api::{CertificateDocument, OpcuaServerDocument};
use mainstem_wire::api::{LinkHeld, LinkHold};
use tokio::sync::OwnedSemaphorePermit;

/// The answer of a remote, and its place among those under way.
pub type Forwarded = Result<(Response<Incoming>, OwnedSemaphorePermit), SupportError>;

/// Why a part could not be switched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// There is none of that name.
    #[error("there is none of that name")]
    Unknown,
    /// It cannot be switched now.
    #[error("it cannot be switched now: {0}")]
    Busy(String),
}

/// Why nothing could be done with the certificate of an OPC UA client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateRefusal {
    /// There is no server.
    #[error("this node has no OPC UA server")]
    Off,
    /// There is no such certificate.
    #[error("{0}")]
    Unknown(String),
    /// What was given names none.
    #[error("{0}")]
    Malformed(String),
    /// The disk does not do it.
    #[error("{0}")]
    Disk(String),
}

/// The room on a disk, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// What this process may still use.
    pub free: u64,
    /// All that there is for it, used or not.
    pub total: u64,
}

/// Adapters and remotes of a running node.
pub trait Parts: Send + Sync {
    /// Every adapter, in the order of their names.
    fn adapters(&self) -> Vec<AdapterView>;

    /// One adapter.
    fn adapter(&self, name: &str) -> Option<AdapterView>;

    /// Ends an adapter's session until it is resumed.
    fn pause_adapter(&self, name: &str) -> Result<(), PartError>;

    /// Lets an adapter run again, or try now.
    fn resume_adapter(&self, name: &str) -> Result<(), PartError>;

    /// A seat at an adapter's wire.
    fn trace_adapter(&self, _name: &str) -> Result<TraceReader, PartError> {
        Err(PartError::Unknown)
    }

    /// Every remote, in the order of their names.
    fn remotes(&self) -> Vec<RemoteView>;

    /// One remote.
    fn remote(&self, name: &str) -> Option<RemoteView> {
        self.remotes()
            .into_iter()
            .find(|remote| remote.name == name)
    }

    /// Closes a link until it is resumed.
    fn pause_remote(&self, name: &str) -> Result<(), PartError>;

    /// Opens a link again, or tries now.
    fn resume_remote(&self, name: &str) -> Result<(), PartError>;

    /// Has a link begin again with a snapshot: of everything, or of what differs.
    fn resync_remote(&self, name: &str, in_full: bool) -> Result<(), PartError>;

    /// Somebody knows a later start of this node: the next one has to be beyond it.
    fn pass_start(&self, known: u32) {
        let _ = known;
    }

    /// Every uplink, in the order of their names.
    fn uplinks(&self) -> Vec<UplinkView> {
        Vec::new()
    }

    /// Where nodes that dial up leave their tunnels, if this node takes any.
    fn tunnels(&self) -> Option<&Tunnels> {
        None
    }

    /// Sends a request on over the link to a remote; nothing if there is no such remote.
    fn forward(
        &self,
        _remote: &str,
        _request: Request<SupportBody>,
    ) -> Option<BoxFuture<'static, Forwarded>> {
        None
    }

    /// What a link and the nodes behind it would say to a write; nothing if there is no such link.
    fn explain_below(
        &self,
        link: SourceId,
        ask: LinkExplain,
    ) -> Option<BoxFuture<'static, Vec<ExplainStep>>>;

    /// Has a request held by the node below that its name begins with; nothing if there is no
    /// such node.
    fn hold_below(
        &self,
        _ask: LinkHold,
        _deadline: Monotonic,
    ) -> Option<BoxFuture<'static, LinkHeld>> {
        None
    }

    /// What the node behind a link says is wrong with it and below it; nothing if it is no node
    /// that can be asked.
    fn doctor_below(&self, _name: &str, _ask: LinkDoctor) -> Option<BoxFuture<'static, Below>> {
        None
    }

    /// The room on the disk of the data folder, where it answers.
    fn disk(&self) -> BoxFuture<'static, Option<DiskSpace>> {
        Box::pin(std::future::ready(None))
    }

    /// The requests that are held; nothing if this node has no bus.
    fn flowsync(&self) -> Option<Arc<FlowSync>> {
        None
    }

    /// The mappings; nothing if this node has no bus.
    fn mappings(&self) -> Option<Arc<Mappings>> {
        None
    }

    /// How the OPC UA server stands, if this node has one.
    fn opcua_server(&self) -> BoxFuture<'static, Option<OpcuaServerDocument>> {
        Box::pin(std::future::ready(None))
    }

    /// The certificates of its clients.
    fn opcua_certificates(
        &self,
    ) -> BoxFuture<'static, Result<Vec<CertificateDocument>, CertificateRefusal>> {
        Box::pin(std::future::ready(Err(CertificateRefusal::Off)))
    }

    /// Trusts or refuses one of them.
    fn decide_opcua_certificate(
        &self,
        _thumbprint: String,
        _trusted: bool,
    ) -> BoxFuture<'static, Result<(), CertificateRefusal>> {
        Box::pin(std::future::ready(Err(CertificateRefusal::Off)))
    }

    /// The bus; nothing if the node has none.
    fn bus(&self) -> Option<Arc<dyn Bus>> {
        None
    }

    /// How the bus is; nothing if the node has none.
    fn bus_document(&self) -> BoxFuture<'static, Option<BusDocument>> {
        Box::pin(std::future::ready(None))
    }

    /// What the node behind a link says of a recorded series; nothing if it is no node.
    fn logger_sums(
        &self,
        _remote: &str,
        _ask: LinkSums,
    ) -> Option<BoxFuture<'static, Result<LinkSumsDocument, String>>> {
        None
    }

    /// The recorded series; nothing if this node records none.
    fn loggers(&self) -> Option<Arc<Book>> {
        None
    }
}
