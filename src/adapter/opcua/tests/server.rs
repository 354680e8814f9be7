//! A real server of the same stack, with a few variables.

use std::path::Path;
use std::sync::Arc;

use opcua::crypto::SecurityPolicy;
use opcua::server::address_space::VariableBuilder;
use opcua::server::diagnostics::NamespaceMetadata;
use opcua::server::node_manager::memory::{SimpleNodeManager, simple_node_manager};
use opcua::server::{ServerBuilder, ServerHandle, ServerUserToken};
use opcua::types::{
    DataTypeId, DataValue, MessageSecurityMode, NodeId, ObjectId, StatusCode, Variant,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The namespace of the variables.
pub(crate) const NAMESPACE: &str = "urn:mainstem:test";

/// A server that runs.
pub(crate) struct TestServer {
    handle: ServerHandle,
    nodes: Arc<SimpleNodeManager>,
    namespace: u16,
    pub(crate) port: u16,
    task: JoinHandle<Result<(), String>>,
}

/// The variables: name, type, first value.
fn variables() -> Vec<(&'static str, DataTypeId, Variant)> {
    vec![
        ("double", DataTypeId::Double, Variant::Double(1.5)),
        ("int16", DataTypeId::Int16, Variant::Int16(-7)),
        ("uint64", DataTypeId::UInt64, Variant::UInt64(u64::MAX)),
        ("text", DataTypeId::String, Variant::String("hello".into())),
        ("flag", DataTypeId::Boolean, Variant::Boolean(true)),
        ("floats", DataTypeId::Float, vec![1.0f32, 2.0].into()),
    ]
}

impl TestServer {
    /// Without security, on a port (0: any).
    pub(crate) async fn open(folder: &Path, port: u16) -> Self {
        let anonymous = &["ANONYMOUS"];
        Self::start(folder, port, |builder| {
            builder.add_endpoint(
                "none",
                (
                    "/",
                    SecurityPolicy::None,
                    MessageSecurityMode::None,
                    anonymous as &[&str],
                ),
            )
        })
        .await
    }

    /// With Basic256Sha256 in both modes, for one user.
    pub(crate) async fn secured(folder: &Path, trust_clients: bool) -> Self {
        Self::secured_at(folder, 0, trust_clients).await
    }

    /// The same on a port.
    pub(crate) async fn secured_at(folder: &Path, port: u16, trust_clients: bool) -> Self {
        let users = &["operator"];
        Self::start(folder, port, |builder| {
            let mut builder = builder
                .create_sample_keypair(true)
                .trust_client_certs(trust_clients)
                .add_user_token("operator", ServerUserToken::user_pass("operator", "right"));
            for mode in [
                MessageSecurityMode::Sign,
                MessageSecurityMode::SignAndEncrypt,
            ] {
                let endpoint = ("/", SecurityPolicy::Basic256Sha256, mode, users as &[&str]);
                builder = builder.add_endpoint(mode.to_string(), endpoint);
            }
            builder
        })
        .await
    }

    async fn start(
        folder: &Path,
        port: u16,
        endpoints: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let namespace = NamespaceMetadata {
            namespace_uri: NAMESPACE.to_owned(),
            ..Default::default()
        };
        let builder = ServerBuilder::new()
            .application_name("test")
            .application_uri("urn:mainstem:test:server")
            .host("127.0.0.1")
            .port(port)
            .discovery_urls(vec!["/".into()])
            .pki_dir(folder.join("server"))
            .with_node_manager(simple_node_manager(namespace, "test"));
        let (server, handle) = endpoints(builder).build().unwrap();
        let nodes = handle
            .node_managers()
            .get_of_type::<SimpleNodeManager>()
            .unwrap();
        let namespace = handle.get_namespace_index(NAMESPACE).unwrap();
        {
            let space = nodes.address_space();
            let mut space = space.write();
            for (name, data_type, value) in variables() {
                let id = NodeId::new(namespace, name);
                let rank = if value.is_array() { 1 } else { -1 };
                VariableBuilder::new(&id, name, name)
                    .data_type(data_type)
                    .value_rank(rank)
                    .value(value)
                    .writable()
                    .organized_by(ObjectId::ObjectsFolder)
                    .insert(&mut *space);
            }
        }
        let task = tokio::spawn(server.run_with(listener));
        Self {
            handle,
            nodes,
            namespace,
            port,
            task,
        }
    }

    /// The node id of a variable.
    pub(crate) fn node(&self, name: &str) -> String {
        format!("ns={};s={name}", self.namespace)
    }

    /// Changes a variable at the server.
    pub(crate) fn set(&self, name: &str, value: DataValue) {
        let id = NodeId::new(self.namespace, name);
        self.nodes
            .set_value(self.handle.subscriptions(), &id, None, value)
            .unwrap();
    }

    /// Serves a whole data value, with the status and stamps in it.
    pub(crate) fn serve(&self, name: &str, value: DataValue) {
        let id = NodeId::new(self.namespace, name);
        self.nodes
            .inner()
            .add_read_callback(id, move |_, _, _| Ok(value.clone()));
    }

    /// Takes a status for every write to a variable.
    pub(crate) fn answer_writes(&self, name: &str, status: StatusCode) {
        let id = NodeId::new(self.namespace, name);
        self.nodes
            .inner()
            .add_write_callback(id, move |_, _| status);
    }

    pub(crate) fn value(&self, name: &str) -> Variant {
        use opcua::types::{AttributeId, DataEncoding, NumericRange, TimestampsToReturn};
        let id = NodeId::new(self.namespace, name);
        let space = self.nodes.address_space();
        let space = space.read();
        let node = space.find_node(&id).unwrap();
        let found = node.as_node().get_attribute(
            TimestampsToReturn::Neither,
            AttributeId::Value,
            &NumericRange::None,
            &DataEncoding::Binary,
        );
        found.unwrap().value.unwrap()
    }

    /// Stops it; when this returns the port is free.
    pub(crate) async fn stop(self) {
        self.handle.cancel();
        self.task.await.unwrap().unwrap();
    }
}
