//! The first hour with a cluster: which topics there are, and what the first messages of one say.

use std::time::Duration;

use mainstem_adapter::explore::{
    BrowseAsk, ExploreError, Finds, Found, Guide, Target, Wish, host_and_port, pointed,
};
use mainstem_adapter::{BoxFuture, Explore};
use mainstem_model::{Access, Scalar, ValueType};
use serde_json::{Value as Json, json};

use crate::cluster;
use crate::config::Connection;
use crate::connection::Dial;
use crate::fault::Fault;
use crate::plan::ClusterPlan;

const PORT: u16 = 9092;

/// What the kind does for somebody who does not know the cluster yet.
pub(crate) struct KafkaExplore;

impl Explore for KafkaExplore {
    fn guide(&self) -> Guide {
        Guide {
            url: "kafka://HOST[:9092]",
            addresses: &[
                "line.orders (its first message)",
                "line.orders#/order/number (a member of its JSON)",
            ],
            words: &[],
            can_browse: true,
        }
    }

    fn connection(&self, url: &str) -> Result<Json, String> {
        let place = host_and_port(url, &["kafka"])?;
        if !matches!(place.path.as_str(), "" | "/") {
            return Err(format!(
                "`{}` behind the broker means nothing here",
                place.path
            ));
        }
        let host = match place.host.contains(':') {
            true => format!("[{}]", place.host),
            false => place.host,
        };
        let port = place.port.unwrap_or(PORT);
        Ok(json!({ "brokers": [format!("{host}:{port}")] }))
    }

    fn targets(&self, wish: &Wish<'_>) -> Result<Vec<Target>, String> {
        if wish.count > 1 {
            return Err("topics have no neighbours; name each of them".into());
        }
        let (topic, pointer) = pointed(wish.address);
        let usual: ValueType = match pointer {
            Some(_) => Scalar::Json.into(),
            None => Scalar::Text.into(),
        };
        let value_type = match wish.data_type {
            Some(word) => word.parse().map_err(|error| format!("{error}"))?,
            None => usual,
        };
        // The first messages, and no trace of having read them.
        let mut operation = json!({ "topic": topic, "from": "earliest", "keep": false });
        match pointer {
            Some(pointer) => operation["pointer"] = json!(pointer),
            None => operation["format"] = json!("raw"),
        }
        Ok(vec![Target {
            address: wish.address.to_owned(),
            operation,
            value_type: Some(value_type),
        }])
    }

    fn browse<'a>(
        &'a self,
        ask: &'a BrowseAsk,
        finds: &'a mut Finds,
    ) -> BoxFuture<'a, Result<(), ExploreError>> {
        Box::pin(walk(ask, finds))
    }
}

async fn walk(ask: &BrowseAsk, finds: &mut Finds) -> Result<(), ExploreError> {
    let mut problems = Vec::new();
    let read = serde_json::from_value::<Connection>(ask.spec.connection.clone());
    let connection = read.map_err(|error| ExploreError::Silent(error.to_string()))?;
    let Some(plan) = ClusterPlan::new(connection, &ask.spec, &mut problems) else {
        return Err(ExploreError::Wrong(problems));
    };
    let dial = Dial::new(&plan, ask.trace.clone()).map_err(ExploreError::Silent)?;
    let learning = cluster::learn(&dial, &plan, None);
    let limit = ask.patience.max(Duration::from_secs(1));
    let learned = tokio::time::timeout(limit, learning).await;
    let silent = |_| ExploreError::Silent(format!("the cluster told nothing within {limit:?}"));
    let metadata = learned.map_err(silent)?.map_err(Fault::end)?;
    let begin = ask.start.as_deref().unwrap_or_default();
    for topic in metadata.topics {
        let is_wanted = !topic.is_internal && topic.code == 0 && topic.name.starts_with(begin);
        if !is_wanted {
            continue;
        }
        let found = Found {
            path: vec![topic.name.clone()],
            address: topic.name.clone(),
            operation: json!({ "topic": topic.name }),
            value_type: None,
            access: Access::Read,
            unit: None,
            description: Some(format!("{} partitions", topic.partitions.len())),
            sample: None,
            obstacle: None,
        };
        if finds.visit(&topic.name).is_break() || finds.add(found).is_break() {
            break;
        }
    }
    Ok(())
}
