//! Which broker leads which partition, learned from the brokers that the file names.

use std::time::Duration;

use crate::connection::{Connection, Dial};
use crate::fault::Fault;
use crate::plan::ClusterPlan;
use crate::protocol::metadata::{self, Metadata, Partition};

/// Asks the first broker that answers about topics; about all of them where none are named.
pub(crate) async fn learn(
    dial: &Dial,
    plan: &ClusterPlan,
    topics: Option<&[String]>,
) -> Result<Metadata, Fault> {
    let mut last = None;
    for place in &plan.brokers {
        let asked = async {
            let mut connection = dial.connect(place).await?;
            ask(&mut connection, topics).await
        };
        match asked.await {
            Ok(found) => return Ok(found),
            Err(fault) => last = Some(fault),
        }
    }
    // There is a broker at least, as the configuration was checked.
    Err(last.unwrap_or(Fault::Connect {
        broker: "no broker".into(),
        error: std::io::ErrorKind::NotFound.into(),
    }))
}

async fn ask(connection: &mut Connection, topics: Option<&[String]>) -> Result<Metadata, Fault> {
    let request = (metadata::KEY, metadata::VERSION);
    let body = metadata::request(topics);
    let answer = connection.ask(request, &body, Duration::ZERO).await?;
    metadata::answer(&answer).map_err(|problem| connection.malformed(problem))
}

/// Where the leader of a partition is.
pub(crate) fn leader(
    cluster: &Metadata,
    topic: &str,
    partition: Partition,
) -> Result<(String, u16), Fault> {
    let place = cluster.brokers.get(&partition.leader).cloned();
    place.ok_or_else(|| Fault::Leaderless {
        topic: topic.to_owned(),
        partition: partition.index,
    })
}
