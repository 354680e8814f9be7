//! The node's canary: a datapoint that changes as long as the node runs. Every level above measures
//! how long ago it last changed there, and so whether values really flow.

use std::sync::Arc;
use std::time::Duration;

use mainstem_model::{Definition, Name, Quality, Role, Sample, Scalar, Value};
use mainstem_store::Store;
use tokio_util::sync::CancellationToken;

/// Its name. No adapter, service or remote can be called so.
pub(super) const NAME: &str = "canary";

/// Changes it in an interval until the node stops: its value is how many seconds the node has run. As
/// a text, so that no deadband of a reader holds it back.
pub(super) async fn sing(store: Arc<Store>, every: Duration, stop: CancellationToken) {
    let node = Arc::clone(&store.setup().name);
    let source = store.put_own_source(None, &node, Role::Node, Quality::GOOD, true);
    let text = "changes as long as this node runs: how many seconds that has been";
    let definition = Definition::new(Scalar::Text).description(text);
    let begun = store.clock().monotonic();
    let defined = Name::local(NAME).map(|name| store.define(source, &name, definition));
    let Ok(Ok(point)) = defined else {
        tracing::warn!("there is no canary: its name is taken by an endpoint with `name:`");
        return;
    };
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let seconds = store.clock().monotonic().since(begun).as_secs_f64();
        let sample = Sample::good(Value::text(&format!("{seconds:.3}")), None);
        store.apply(source, &mut vec![(point, sample)]);
    }
}
