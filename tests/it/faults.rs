//! What goes wrong in practice, done to whole nodes: links, trees, slow neighbours, herds.

mod herd;
mod lines;
mod slow;
mod spaces;
mod trees;

/// Whether `tests/run --long` asked for more.
fn is_long() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no configuration but this"
    )]
    std::env::var_os("MAINSTEM_LONG").is_some()
}

/// Times short enough for a test, long enough for a busy machine.
const QUICK: &str = "      beat: 100ms\n      uncertain_after: 700ms\n      bad_after: 1s\n";

/// A simulated device with a counter that rises ten times a second.
const DEVICE: &str = "  sim: { type: Connection, properties: { protocol: simulator, connection: { interval_ms: 100 } } }
  count: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: counter, step: 1 } } }
";
