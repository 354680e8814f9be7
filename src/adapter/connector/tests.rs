//! Programs as adapters: the conformance suite, and bad programs.

mod conformance;
mod guests;
mod hostile;
mod spec;

use spec::{endpoint, spec};
