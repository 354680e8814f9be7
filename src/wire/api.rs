//! The documents of the API, with their OpenAPI. Words are texts here, so that an older client
//! reads what a newer node says; conversions to and from the model stand where they are needed.

mod adapter;
mod alarm;
mod alias;
mod batch;
mod changes;
pub mod event;
pub mod explain;
pub mod form;
mod logger;
mod node;
mod page;
mod point;
mod problem;
mod remote;
mod samples;
mod token;
pub mod topology;
pub mod write;

pub use adapter::{AdapterDocument, AdapterRates, CauseDocument, DeviceDocument, RoundTrip};
pub use alarm::AlarmDocument;
pub use alias::AliasDocument;
pub use batch::{BatchResult, BatchResultDocument};
pub use changes::ChangesDocument;
pub use logger::LoggerDocument;
pub use node::{FeedDocument, NodeDocument};
pub use page::Page;
pub use point::{LimitsDocument, MetaDocument, PointDocument, QualityDocument};
pub use problem::ProblemDocument;
pub use remote::{ClockDocument, MirrorDocument, RemoteDocument, RemoteNode};
pub use samples::SamplesAck;
pub use token::{NewTokenDocument, TokenDocument, TokenText};
