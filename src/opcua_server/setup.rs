//! The library's server as this node has it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use opcua::server::address_space::AddressSpace;
use opcua::server::node_manager::ServerContext;
use opcua::server::node_manager::memory::{CoreNodeManagerBuilder, InMemoryNodeManagerBuilder};
use opcua::server::{
    ANONYMOUS_USER_TOKEN_ID, Limits, OperationalLimits, Server, ServerBuilder, ServerEndpoint,
    ServerHandle, ServerUserToken, SubscriptionLimits,
};
use tokio_util::sync::CancellationToken;

use crate::limits::{
    ARRAY_ITEMS_MAX, CALLS_PER_REQUEST_MAX, CHUNK_BYTES_MAX, CHUNKS_MAX, CONTINUATIONS_MAX,
    HANDSHAKE_MAX, HISTORY_NODES_MAX, ITEMS_PER_SUBSCRIPTION_MAX, MESSAGE_BYTES_MAX,
    NODES_PER_REQUEST_MAX, PUBLISHING_MIN, QUEUE_MAX, REFERENCES_MAX, SAMPLING_MIN,
    SESSION_TIMEOUT_MAX, SESSIONS_MAX, SUBSCRIPTIONS_MAX, TEXT_BYTES_MAX, TICK,
    WRITES_PER_REQUEST_MAX,
};
use crate::nodes::{ServerNode, ServerNodes};
use crate::space::{NAMESPACE, Space};
use crate::users::{Logins, Users};
use crate::{Mode, OpcuaServerError, Policy, ServerConfig, identity};

const APPLICATION_NAME: &str = "mainstem";
const PRODUCT_URI: &str = "urn:mainstem";
/// A user name is what everybody may try; the library wants some key for it.
const USERS: &str = "users";
/// A password on a channel without security is encrypted like this.
const PASSWORD_POLICY: &str = "Basic256Sha256";

/// Builds the server with its nodes; `space` is made once their namespace has its number.
pub(crate) fn build(
    config: &ServerConfig,
    pki: &Path,
    address: SocketAddr,
    names: &Names,
    logins: Logins,
    token: CancellationToken,
    nodes: (Vec<ServerNode>, Arc<Users>),
    space: impl FnOnce(u16) -> Space + Send + Sync + 'static,
) -> Result<(Server, ServerHandle), OpcuaServerError> {
    let host = names
        .hosts
        .first()
        .cloned()
        .unwrap_or_else(|| "localhost".to_owned());
    let builder = ServerBuilder::new()
        .without_node_managers()
        .with_node_manager(InMemoryNodeManagerBuilder::new(CoreNodeManagerBuilder))
        .with_node_manager(InMemoryNodeManagerBuilder::new(
            move |context: ServerContext, space: &mut AddressSpace| {
                let uri = context.info.application_uri.as_ref().to_owned();
                // The server's own namespace is number 1 by the standard.
                let own = context
                    .type_tree
                    .write()
                    .namespaces_mut()
                    .add_namespace(&uri);
                ServerNodes::new(nodes.0, nodes.1, &uri, own, space)
            },
        ))
        .with_node_manager(move |context: ServerContext| {
            let mut types = context.type_tree.write();
            let index = types.namespaces_mut().add_namespace(NAMESPACE);
            drop(types);
            space(index)
        })
        .application_name(APPLICATION_NAME)
        .application_uri(&names.uri)
        .product_uri(PRODUCT_URI)
        .create_sample_keypair(false)
        .certificate_path(identity::CERTIFICATE)
        .private_key_path(identity::PRIVATE_KEY)
        .pki_dir(pki)
        // What is trusted is this very certificate, so its dates are not looked at.
        .check_cert_time(false)
        .trust_client_certs(false)
        .diagnostics_enabled(true)
        .with_authenticator(Arc::new(logins))
        // Only its key counts: who may come is for the authenticator to say.
        .add_user_token(USERS, ServerUserToken::user_pass(USERS, USERS))
        .host(host)
        .port(address.port())
        .hello_timeout(u32::try_from(HANDSHAKE_MAX.as_secs()).unwrap_or(5))
        .discovery_urls(names.urls(config, address.port()))
        .subscription_poll_interval_ms(millis(TICK))
        .max_session_timeout_ms(millis(SESSION_TIMEOUT_MAX))
        .limits(limits())
        .token(token);
    let builder = endpoints(config)
        .into_iter()
        .fold(builder, |builder, (id, endpoint)| {
            builder.add_endpoint(id, endpoint)
        });
    builder.build().map_err(OpcuaServerError::Configure)
}

/// What the server is called.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Its URI.
    pub(crate) uri: String,
    /// The names and addresses by which clients reach it, the first one in its endpoints.
    pub(crate) hosts: Vec<String>,
}

impl Names {
    /// The URLs by which clients reach it.
    pub(crate) fn urls(&self, config: &ServerConfig, port: u16) -> Vec<String> {
        let url = |host: &String| format!("opc.tcp://{host}:{port}{}", config.resource_path);
        self.hosts.iter().map(url).collect()
    }
}

fn endpoints(config: &ServerConfig) -> Vec<(String, ServerEndpoint)> {
    let mut users = vec![USERS];
    if config.allow_anonymous {
        users.push(ANONYMOUS_USER_TOKEN_ID);
    }
    let mut found = Vec::new();
    for policy in &config.policies {
        for mode in &config.modes {
            let is_plain = (*policy == Policy::None, *mode == Mode::None);
            if is_plain.0 != is_plain.1 {
                continue;
            }
            let path = config.resource_path.as_str();
            let mut endpoint =
                ServerEndpoint::from((path, policy.ua(), mode.ua(), users.as_slice()));
            if *policy == Policy::None {
                endpoint.password_security_policy = Some(PASSWORD_POLICY.to_owned());
            }
            endpoint.security_level = level(*policy, *mode);
            found.push((format!("{policy:?}-{mode:?}"), endpoint));
        }
    }
    found
}

/// The higher the better; clients may choose by it.
fn level(policy: Policy, mode: Mode) -> u8 {
    let policy = match policy {
        Policy::None => 0,
        Policy::Aes128Sha256RsaOaep => 10,
        Policy::Basic256Sha256 => 20,
        Policy::Aes256Sha256RsaPss => 30,
    };
    let mode = match mode {
        Mode::None => 0,
        Mode::Sign => 1,
        Mode::SignAndEncrypt => 100,
    };
    policy + mode
}

fn limits() -> Limits {
    Limits {
        max_array_length: ARRAY_ITEMS_MAX,
        max_string_length: TEXT_BYTES_MAX,
        max_byte_string_length: TEXT_BYTES_MAX,
        max_message_size: MESSAGE_BYTES_MAX,
        max_chunk_count: CHUNKS_MAX,
        send_buffer_size: CHUNK_BYTES_MAX,
        receive_buffer_size: CHUNK_BYTES_MAX,
        subscriptions: SubscriptionLimits {
            max_subscriptions_per_session: SUBSCRIPTIONS_MAX,
            min_sampling_interval_ms: SAMPLING_MIN.as_secs_f64() * 1000.0,
            min_publishing_interval_ms: PUBLISHING_MIN.as_secs_f64() * 1000.0,
            max_monitored_items_per_sub: ITEMS_PER_SUBSCRIPTION_MAX,
            max_monitored_item_queue_size: QUEUE_MAX,
            max_notifications_per_publish: NODES_PER_REQUEST_MAX as u64,
            ..SubscriptionLimits::default()
        },
        operational: OperationalLimits {
            max_nodes_per_read: NODES_PER_REQUEST_MAX,
            max_nodes_per_write: WRITES_PER_REQUEST_MAX,
            max_nodes_per_method_call: CALLS_PER_REQUEST_MAX,
            max_monitored_items_per_call: NODES_PER_REQUEST_MAX,
            max_nodes_per_history_read_data: HISTORY_NODES_MAX,
            max_references_per_browse_node: REFERENCES_MAX,
            ..OperationalLimits::default()
        },
        max_browse_continuation_points: CONTINUATIONS_MAX,
        max_history_continuation_points: CONTINUATIONS_MAX,
        max_sessions: SESSIONS_MAX,
        ..Limits::default()
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
