//! The documents of the API, with their OpenAPI. Words are texts here, so that an older client
//! reads what a newer node says; conversions to and from the model stand where they are needed.

mod adapter;
mod alarm;
mod alias;
mod batch;
mod bus;
mod changes;
pub mod doctor;
pub mod event;
pub mod explain;
mod flowsync;
pub mod form;
pub mod history;
mod logger;
mod mappings;
mod node;
mod opcua_server;
mod page;
mod point;
mod problem;
mod reader;
mod remote;
mod replication;
mod samples;
mod support;
mod token;
pub mod topology;
mod uplink;
mod variable;
pub mod write;

pub use adapter::{
    AdapterDocument, AdapterRates, CauseDocument, DeviceDocument, RoundTrip, TraceFrameDocument,
};
pub use alarm::AlarmDocument;
pub use alias::AliasDocument;
pub use batch::{BatchResult, BatchResultDocument};
pub use bus::{BusDocument, BusListenerDocument, MessageDocument, PublishDocument};
pub use changes::ChangesDocument;
pub use flowsync::{
    FlowNodeDocument, LinkHeld, LinkHold, TransactionDocument, TransactionsDocument,
};
pub use logger::LoggerDocument;
pub use mappings::{MappingDocument, MappingErrorDocument, MappingItemDocument};
pub use node::{FeedDocument, NodeDocument};
pub use opcua_server::{CertificateDocument, OpcuaServerDocument};
pub use page::Page;
pub use point::{LimitsDocument, MetaDocument, PointDocument, QualityDocument};
pub use problem::ProblemDocument;
pub use reader::ReaderDocument;
pub use remote::{
    CanaryDocument, ClockDocument, MirrorDocument, PathHop, RemoteDocument, RemoteNode,
    TunnelDocument,
};
pub use replication::{RemoteLoggersDocument, ReplicatedLoggerDocument};
pub use samples::SamplesAck;
pub use support::{NewSupportDocument, SupportDocument};
pub use token::{AddressText, NewTokenDocument, TokenDocument, TokenText};
pub use uplink::UplinkDocument;
pub use variable::{SetVariableDocument, VariableDocument};
