//! What a kind brings to its conformance tests.

use std::time::Duration;

use mainstem_model::Value;

use crate::{AdapterRunner, AdapterSpec, BoxFuture, Kind};

/// A kind, a peer for it, and configurations. Methods that stand for a rule that the kind's row
/// does not name need not be there; the ones given here say so loudly when they are called.
pub trait Fixture: Send {
    /// The kind under test.
    fn kind(&self) -> Kind;

    /// A configuration for the peer under which every datapoint that can be read becomes good.
    /// Valid before [`Fixture::start`], so the peer's port is chosen earlier.
    fn spec(&self) -> AdapterSpec;

    /// Datapoints of [`Fixture::spec`] that this machine may be unable to tell.
    fn unsure(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// A wrong configuration and the pointers of all its problems, at least two.
    fn bad_spec(&self) -> (AdapterSpec, Vec<&'static str>);

    /// A configuration with one address that the peer does not have, and its datapoint's name.
    fn bad_address(&self) -> (AdapterSpec, &'static str) {
        unsupported("bad_address")
    }

    /// A datapoint of [`Fixture::spec`] that can be written, and a value that it accepts.
    fn write(&self) -> (&'static str, Value) {
        unsupported("write")
    }

    /// How many writes the peer has carried out.
    fn writes_seen(&self) -> usize {
        unsupported("writes_seen")
    }

    /// How long the adapter may believe in a peer that has fallen silent.
    fn silence_limit(&self) -> Duration {
        unsupported("silence_limit")
    }

    /// Starts the peer, again after [`Fixture::stop`], or lets it go on after a freeze.
    fn start(&mut self) -> BoxFuture<'_, ()>;

    /// Ends the peer; its connections close.
    fn stop<'a>(&'a mut self, runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        let _ = runner;
        unsupported("stop")
    }

    /// Lets the peer fall silent with its connections open.
    fn freeze<'a>(&'a mut self, runner: &'a AdapterRunner) -> BoxFuture<'a, ()> {
        let _ = runner;
        unsupported("freeze")
    }

    /// From now on the peer answers with bytes that mean nothing.
    fn garbage(&mut self) -> BoxFuture<'_, ()> {
        unsupported("garbage")
    }
}

fn unsupported(method: &str) -> ! {
    panic!("this kind's row names a rule that needs the fixture's `{method}`, which is not there")
}
