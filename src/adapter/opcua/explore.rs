//! The first hour with an OPC UA server: nodes are read with the type that the server gives them,
//! and its address space is walked.

use mainstem_adapter::explore::{
    BrowseAsk, ExploreError, Finds, Guide, Target, Wish, host_and_port,
};
use mainstem_adapter::{BoxFuture, Explore, Problem};
use mainstem_model::ValueType;
use serde_json::{Value, json};

use crate::connection::{ConnectionConfig, ConnectionPlan};
use crate::node_address::NodeAddress;
use crate::section;
use crate::ua::explore;

/// What the kind does for somebody who does not know the server yet.
pub(crate) struct OpcUaExplore;

impl Explore for OpcUaExplore {
    fn guide(&self) -> Guide {
        Guide {
            url: "opc.tcp://HOST[:4840][/PATH]",
            addresses: &[
                "'ns=2;s=Line1.Speed' (a node id with i, s, g or b; quote it for the shell)",
                "'nsu=urn:plant;i=42' (the namespace by its URI)",
                "/0:Objects/2:Line1/2:Speed (a browse path)",
            ],
            words: &[("user", "username"), ("password", "password")],
            can_browse: true,
        }
    }

    fn connection(&self, url: &str) -> Result<Value, String> {
        let place = host_and_port(url, &["opc.tcp"])?;
        // The URL as it stands: servers compare it with their own.
        match place.path.as_str() {
            "" | "/" => {
                let mut connection = json!({ "host": place.host });
                if let Some(port) = place.port {
                    connection["port"] = json!(port);
                }
                Ok(connection)
            }
            _ => Ok(json!({ "endpointUrl": url })),
        }
    }

    fn targets(&self, wish: &Wish<'_>) -> Result<Vec<Target>, String> {
        if wish.count > 1 {
            return Err("nodes have no neighbours; name each of them, or use `browse`".into());
        }
        let address = wish.address.trim();
        let operation = if address.starts_with('/') {
            json!({ "browsePath": address })
        } else {
            let parsed = address.parse::<NodeAddress>();
            parsed.map_err(|error| format!("`{address}`: {error}"))?;
            json!({ "nodeId": address })
        };
        let value_type = wish.data_type.map(str::parse::<ValueType>).transpose();
        Ok(vec![Target {
            address: address.to_owned(),
            operation,
            value_type: value_type.map_err(|error| error.to_string())?,
        }])
    }

    fn complete<'a>(
        &'a self,
        ask: &'a BrowseAsk,
        targets: &'a mut [Target],
    ) -> BoxFuture<'a, Result<(), ExploreError>> {
        Box::pin(async move {
            if targets.iter().all(|target| target.value_type.is_some()) {
                return Ok(());
            }
            explore::learn_types(&plan(ask)?, ask, targets).await
        })
    }

    fn browse<'a>(
        &'a self,
        ask: &'a BrowseAsk,
        finds: &'a mut Finds,
    ) -> BoxFuture<'a, Result<(), ExploreError>> {
        Box::pin(async move { explore::walk(&plan(ask)?, ask, finds).await })
    }
}

fn plan(ask: &BrowseAsk) -> Result<ConnectionPlan, ExploreError> {
    let mut problems: Vec<Problem> = Vec::new();
    let spec = &ask.spec;
    let config = section::read::<ConnectionConfig>(&spec.connection, "/connection", &mut problems);
    let plan = config.and_then(|config| config.plan(&spec.name, &spec.home, &mut problems));
    plan.filter(|_| problems.is_empty())
        .ok_or(ExploreError::Wrong(problems))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_operations() {
        let of = |address| {
            OpcUaExplore.targets(&Wish {
                address,
                count: 1,
                data_type: None,
            })
        };
        assert_eq!(
            of("ns=2;s=a").unwrap()[0].operation,
            json!({"nodeId": "ns=2;s=a"})
        );
        assert_eq!(
            of("/0:Objects/2:a").unwrap()[0].operation,
            json!({"browsePath": "/0:Objects/2:a"})
        );
        assert!(of("nonsense").is_err());
        let connection = |url| OpcUaExplore.connection(url).unwrap();
        assert_eq!(
            connection("opc.tcp://plc:4841"),
            json!({"host": "plc", "port": 4841})
        );
        assert_eq!(
            connection("opc.tcp://plc/ua"),
            json!({"endpointUrl": "opc.tcp://plc/ua"})
        );
        assert!(OpcUaExplore.connection("http://plc").is_err());
    }
}
