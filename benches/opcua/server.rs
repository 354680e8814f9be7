//! The server of the bench, in a process of its own: every value counts up every 100 ms.

use std::time::Duration;

use opcua::crypto::SecurityPolicy;
use opcua::server::ServerBuilder;
use opcua::server::address_space::VariableBuilder;
use opcua::server::diagnostics::NamespaceMetadata;
use opcua::server::node_manager::memory::{SimpleNodeManager, simple_node_manager};
use opcua::types::{DataTypeId, DataValue, MessageSecurityMode, NodeId, ObjectId, Variant};
use tokio::net::TcpListener;

const NAMESPACE: &str = "urn:mainstem:bench";

/// Serves until it is killed.
pub(crate) async fn serve(points: usize) {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let namespace = NamespaceMetadata {
        namespace_uri: NAMESPACE.to_owned(),
        ..Default::default()
    };
    let none = (
        "/",
        SecurityPolicy::None,
        MessageSecurityMode::None,
        &["ANONYMOUS"] as &[&str],
    );
    let mut builder = ServerBuilder::new()
        .application_name("bench")
        .application_uri("urn:mainstem:bench:server")
        .host("127.0.0.1")
        .port(port)
        .discovery_urls(vec!["/".into()])
        .pki_dir(folder.path())
        .add_endpoint("none", none)
        .with_node_manager(simple_node_manager(namespace, "bench"));
    let limits = builder.limits_mut();
    limits.subscriptions.max_monitored_items_per_sub = 0;
    limits.subscriptions.max_notifications_per_publish = 0;
    limits.subscriptions.min_sampling_interval_ms = 0.0;
    let (server, handle) = builder.build().unwrap();
    let nodes = handle
        .node_managers()
        .get_of_type::<SimpleNodeManager>()
        .unwrap();
    let index = handle.get_namespace_index(NAMESPACE).unwrap();
    let ids: Vec<_> = (0..points)
        .map(|point| NodeId::new(index, format!("V{point}")))
        .collect();
    {
        let space = nodes.address_space();
        let mut space = space.write();
        for (point, id) in ids.iter().enumerate() {
            VariableBuilder::new(id, format!("V{point}"), format!("V{point}"))
                .data_type(DataTypeId::Double)
                .value(0.0)
                .organized_by(ObjectId::ObjectsFolder)
                .insert(&mut *space);
        }
    }
    tokio::spawn(server.run_with(listener));
    println!("opc.tcp://127.0.0.1:{port}/ {index}");
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    for tick in 1u32.. {
        ticks.tick().await;
        let now = DataValue::new_now(Variant::Double(f64::from(tick)));
        let values = ids.iter().map(|id| (id, None, now.clone()));
        nodes.set_values(handle.subscriptions(), values).unwrap();
    }
}
