//! Programs as adapters: the conformance suite, and bad programs.

mod conformance;
mod hostile;
mod spec;

use spec::{endpoint, spec};
