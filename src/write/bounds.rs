//! The bounds of what other parts and other nodes say about a write, before it is kept.

use mainstem_model::limits::{NAME_BYTES_MAX, PATH_HOPS_MAX};
use mainstem_store::Outcome;

/// Bytes of a reason.
const REASON_BYTES_MAX: usize = 64;
/// Bytes of a message.
const MESSAGE_BYTES_MAX: usize = 512;
/// Bytes of a node's name.
const NODE_BYTES_MAX: usize = 64;

/// An outcome cut to its bounds.
pub(crate) fn bounded(mut outcome: Outcome) -> Outcome {
    cut(&mut outcome.reason, REASON_BYTES_MAX);
    cut(&mut outcome.message, MESSAGE_BYTES_MAX);
    cut(&mut outcome.hop, NAME_BYTES_MAX);
    outcome.hops.truncate(PATH_HOPS_MAX);
    for hop in &mut outcome.hops {
        truncate(&mut hop.node, NODE_BYTES_MAX);
    }
    outcome
}

fn cut(text: &mut Option<String>, bytes_max: usize) {
    if let Some(text) = text {
        truncate(text, bytes_max);
    }
}

fn truncate(text: &mut String, bytes_max: usize) {
    text.truncate(text.floor_char_boundary(bytes_max));
}
