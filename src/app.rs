//! The composition root: the parts of a node by kind and name, their start, reload and stop.

mod access;
mod adapters;
mod checkpoint;
mod folder;
mod kinds;
mod links;
mod loggers;
mod node;
mod parts;
mod seat;

pub use kinds::kinds;
pub use node::{Node, NodeFacts, ReloadReport};
