//! Mappings: messages of one topic, through rules, to another.
//!
//! Rules are pure: a [`Pipeline`] gets a message with the time and gives what is to be published,
//! without a clock, a socket or randomness. What runs them are threads of their own ([`Mappings`]),
//! each with its mappings, so that the order of each is kept; an expression that takes too long
//! holds up no task of the node.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod limits;
mod rules;
mod running;

pub use limits::{
    BATCH_MAX, BURST_MAX, COLLECT_BYTES_MAX, EXPRESSION_TIME, INPUT_BYTES_MAX, LABELS_MAX,
    LOOP_RATE_MAX, OUTPUT_BYTES_MAX, PAD_CHARS_MAX, SEQUENCE_MAX, STACK_LEVELS_MAX, TOPICS_MAX,
    WAITING_MAX, WORKERS_MAX,
};
pub use rules::{Fault, Input, Message, Outcome, Pipeline, Step, check_expression};
pub use running::{ItemView, MappingView, Mappings, MappingsSetup, StartupNotice};
