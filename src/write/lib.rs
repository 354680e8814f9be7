//! Writes: from the node where they enter, hop by hop, to the owner and back. Two durable points
//! whatever the depth, one audit record per outcome, and nothing late is ever carried out.
#![cfg_attr(test, allow(clippy::unwrap_used))]
