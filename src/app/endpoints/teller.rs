//! Values of endpoints on their topics, as they change. What is fetched again after an outage or a
//! restart is no change and is not told, except to the broker that keeps it.

use std::collections::HashMap;
use std::sync::Arc;

use mainstem_adapter::to_json_value;
use mainstem_bus::{Bus, Publication, Topic};
use mainstem_model::{GlobSet, Quality, Status};
use mainstem_service::{EndpointAddress, EndpointOperation};
use mainstem_store::{Chunk, Delivery, Filter, Item, Progress, Reader, Store};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::reply::qos;

/// Rows that are read at once.
const ROWS_MAX: usize = 1024;

struct Told {
    topic: Topic,
    index: usize,
}

/// Tells values until the stop.
pub(super) async fn tell(
    store: Arc<Store>,
    bus: Arc<dyn Bus>,
    served: Arc<Vec<EndpointAddress>>,
    stop: CancellationToken,
) {
    let mut told: HashMap<String, Told> = HashMap::new();
    for (index, endpoint) in served.iter().enumerate() {
        let tells = endpoint.operation == EndpointOperation::Subscribe;
        if let (true, Ok(topic)) = (tells, Topic::new(&endpoint.topic)) {
            told.insert(endpoint.datapoint.to_string(), Told { topic, index });
        }
    }
    let names: Vec<&str> = told.keys().map(String::as_str).collect();
    let Ok(wanted) = GlobSet::new(&names) else {
        return;
    };
    if names.is_empty() {
        return;
    }
    let filter = || Filter::new(GlobSet::everything(), wanted.clone());
    let mut reader = Reader::snapshot(filter(), Delivery::Every);
    let mut head = store.changes();
    let (mut chunk, mut ids) = (Chunk::default(), HashMap::<u32, String>::new());
    while !stop.is_cancelled() {
        let progress = reader.read(&store, &mut chunk, ROWS_MAX);
        for publication in publications(&chunk, &mut ids, &told, &served) {
            // What cannot be told now is told again with the next change.
            if let Err(error) = bus.publish(publication).await {
                tracing::debug!(%error, "a value was not published");
            }
        }
        match progress {
            Progress::More => {}
            Progress::Expired => reader = Reader::snapshot(filter(), Delivery::Every),
            Progress::AtHead => tokio::select! {
                () = stop.cancelled() => return,
                changed = head.changed() => if changed.is_err() { return },
            },
        }
    }
}

fn publications(
    chunk: &Chunk,
    ids: &mut HashMap<u32, String>,
    told: &HashMap<String, Told>,
    served: &[EndpointAddress],
) -> Vec<Publication> {
    let (mut rows, mut all) = (chunk.rows.iter(), Vec::new());
    for item in &chunk.items {
        match item {
            Item::Define(define) => drop(ids.insert(define.id, define.name.clone())),
            Item::Rows { count, catchup } => {
                for row in rows.by_ref().take(*count) {
                    let Some(Told { topic, index }) = ids.get(&row.id).and_then(|n| told.get(n))
                    else {
                        continue;
                    };
                    let endpoint = &served[*index];
                    let (Some(value), true) = (
                        &row.value,
                        Quality::from_code(row.quality).status != Status::Bad,
                    ) else {
                        continue;
                    };
                    if *catchup && !endpoint.retain {
                        continue;
                    }
                    let document =
                        json!({ "timestamp": row.time / 1000, "value": to_json_value(value) });
                    all.push(Publication {
                        topic: topic.clone(),
                        payload: document.to_string().into(),
                        qos: qos(endpoint),
                        retain: endpoint.retain,
                    });
                }
            }
            _ => {}
        }
    }
    all
}
