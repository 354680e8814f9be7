//! The composition root: the parts of a node by kind and name, their start, reload and stop.

mod access;
mod adapters;
mod bus;
mod canary;
mod checkpoint;
mod comparing;
mod disk;
mod endpoints;
mod folder;
mod kinds;
mod links;
mod loggers;
mod mappings;
mod modbus;
mod node;
mod opcua;
mod outlet;
mod parts;
mod points;
mod replicas;
mod report;
mod seat;
mod server_nodes;
mod states;
mod uplinks;

pub use kinds::kinds;
pub use node::{Node, NodeFacts};
pub use report::ReloadReport;
