//! An OPC UA server in front of one plant.

mod faults;
mod identity;
mod nodes;
mod space;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use opcua::crypto::SecurityPolicy;
use opcua::server::node_manager::memory::{InMemoryNodeManager, InMemoryNodeManagerBuilder};
use opcua::server::{
    ANONYMOUS_USER_TOKEN_ID, Server, ServerBuilder, ServerHandle, ServerUserToken,
};
use opcua::types::MessageSecurityMode;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::clock::SharedPlant;
pub use faults::OpcuaFaults;
use space::PlantSpace;

/// URI of the namespace that the plant's nodes live in.
pub const NAMESPACE_URI: &str = "urn:mainstem:simulated-device";
/// Index of that namespace on this server.
pub const NAMESPACE_INDEX: u16 = 2;
/// URI of the server itself, as its certificate carries it.
pub const APPLICATION_URI: &str = "urn:mainstem:simulated-device:server";

const APPLICATION_NAME: &str = "mainstem simulated device";
/// Key of the one user in the server's table of users.
const USER_KEY: &str = "operator";
/// How long stop waits for clients to take the goodbye before it drops them.
const STOP_PATIENCE: Duration = Duration::from_secs(3);
/// How often the server looks for subscriptions that are due, in milliseconds. Smaller than a
/// plant step, so that a change is not held back.
const SUBSCRIPTION_TICK_MS: u64 = 50;

/// Why a simulated OPC UA device did not start or stop.
#[derive(Debug, thiserror::Error)]
pub enum OpcuaError {
    /// The address could not be listened on.
    #[error("the simulated OPC UA device cannot listen on {address}; choose a free port or 0")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Key and certificate could not be read or made.
    #[error(
        "the simulated OPC UA device has no certificate in {}: {reason}; make the folder \
         writable or empty it",
        folder.display()
    )]
    Identity {
        /// The PKI folder.
        folder: PathBuf,
        /// What the certificate store said.
        reason: String,
    },
    /// The server refused its own configuration, which is a defect here.
    #[error("the simulated OPC UA device refuses its configuration: {reason}")]
    Configure {
        /// What the server said.
        reason: String,
    },
}

/// How a simulated OPC UA device behaves.
#[derive(Debug, Clone)]
pub struct OpcuaOptions {
    /// Where to listen; port 0 takes any free port.
    pub address: SocketAddr,
    /// Folder for key, certificate and the lists of trusted and rejected clients.
    pub pki_dir: PathBuf,
    /// Name of the one user; anonymous clients are let in as well.
    pub user: String,
    /// That user's password.
    pub password: String,
    /// Trust every client certificate. If false, unknown ones go to the rejected list and the
    /// secure endpoints refuse them until they are moved to the trusted one.
    pub trust_clients: bool,
}

impl OpcuaOptions {
    /// Options that let everybody in, with user `operator` and password `operator`.
    #[must_use]
    pub fn new(address: SocketAddr, pki_dir: impl Into<PathBuf>) -> Self {
        Self {
            address,
            pki_dir: pki_dir.into(),
            user: "operator".to_owned(),
            password: "operator".to_owned(),
            trust_clients: true,
        }
    }
}

/// A running OPC UA server. Dropping it ends it; [`OpcuaDevice::stop`] also waits.
#[derive(Debug)]
pub struct OpcuaDevice {
    address: SocketAddr,
    faults: OpcuaFaults,
    tracker: TaskTracker,
    token: CancellationToken,
    server: JoinHandle<()>,
    _guard: DropGuard,
}

impl OpcuaDevice {
    /// Starts serving a plant.
    ///
    /// # Errors
    /// [`OpcuaError`] when the address is taken or the PKI folder cannot be used.
    pub async fn start(options: OpcuaOptions, plant: SharedPlant) -> Result<Self, OpcuaError> {
        let asked = options.address;
        let bind = |source| OpcuaError::Bind {
            address: asked,
            source,
        };
        let listener = TcpListener::bind(asked).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let tracker = TaskTracker::new();
        identity::ensure(&tracker, &options.pki_dir).await?;

        let token = CancellationToken::new();
        let faults = OpcuaFaults::new(token.clone());
        let configured = configure(&options, address, &token);
        let (server, handle) = build(configured, plant, &faults)?;
        let server = tracker.spawn(async move {
            // The future holds the whole server, so it goes to the heap.
            if let Err(error) = Box::pin(server.run_with(listener)).await {
                warn!(%address, %error, "the simulated OPC UA device ended");
            }
        });
        let stopped = token.clone();
        tracker.spawn(async move { stopped.run_until_cancelled(space::publish(handle)).await });
        tracker.close();
        Ok(Self {
            address,
            faults,
            tracker,
            server,
            _guard: token.clone().drop_guard(),
            token,
        })
    }

    /// The address it listens on, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that clients connect to.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        format!("opc.tcp://{}/", self.address)
    }

    /// The switches that make the device misbehave.
    #[must_use]
    pub fn faults(&self) -> &OpcuaFaults {
        &self.faults
    }

    /// How often a node's value was written since the start; `node` is the string part of its id
    /// (`TemperatureSetpoint`). Refused writes do not count.
    #[must_use]
    pub fn write_count(&self, node: &str) -> u64 {
        self.faults.write_count(node)
    }

    /// Says goodbye to the clients, closes the listener and waits until the tasks have ended.
    pub async fn stop(mut self) {
        self.token.cancel();
        if timeout(STOP_PATIENCE, &mut self.server).await.is_err() {
            warn!(address = %self.address, "a client did not take the goodbye and is dropped");
            self.server.abort();
        }
        self.tracker.wait().await;
    }
}

/// Makes the server and puts the plant's nodes into it.
fn build(
    builder: ServerBuilder,
    plant: SharedPlant,
    faults: &OpcuaFaults,
) -> Result<(Server, ServerHandle), OpcuaError> {
    let faults = faults.clone();
    let space = InMemoryNodeManagerBuilder::new(
        move |context: opcua::server::node_manager::ServerContext, nodes: &mut _| {
            PlantSpace::new(&context, nodes, plant, faults)
        },
    );
    let configure = |reason| OpcuaError::Configure { reason };
    let (server, handle) = builder
        .with_node_manager(space)
        .build()
        .map_err(configure)?;
    let space = handle
        .node_managers()
        .get_of_type::<InMemoryNodeManager<PlantSpace>>()
        .ok_or_else(|| configure("the plant's nodes are missing".to_owned()))?;
    if space.inner().namespace() != NAMESPACE_INDEX {
        let reason = format!("namespace index {} is not ours", space.inner().namespace());
        return Err(configure(reason));
    }
    Ok((server, handle))
}

fn configure(
    options: &OpcuaOptions,
    address: SocketAddr,
    token: &CancellationToken,
) -> ServerBuilder {
    let host = match address {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    };
    let secure = SecurityPolicy::Basic256Sha256;
    let endpoints = [
        ("none", SecurityPolicy::None, MessageSecurityMode::None),
        ("sign", secure, MessageSecurityMode::Sign),
        ("encrypt", secure, MessageSecurityMode::SignAndEncrypt),
    ];
    let users: &[&str] = &[ANONYMOUS_USER_TOKEN_ID, USER_KEY];
    let user = ServerUserToken::user_pass(&options.user, &options.password);
    let builder = ServerBuilder::new()
        .application_name(APPLICATION_NAME)
        .application_uri(APPLICATION_URI)
        .product_uri(APPLICATION_URI)
        .create_sample_keypair(false)
        .certificate_path(identity::CERTIFICATE)
        .private_key_path(identity::PRIVATE_KEY)
        .pki_dir(&options.pki_dir)
        .trust_client_certs(options.trust_clients)
        .host(host)
        .port(address.port())
        .discovery_urls(vec![format!("opc.tcp://{address}/")])
        .subscription_poll_interval_ms(SUBSCRIPTION_TICK_MS)
        .add_user_token(USER_KEY, user)
        .token(token.clone());
    endpoints
        .into_iter()
        .fold(builder, |builder, (id, policy, mode)| {
            builder.add_endpoint(id, ("/", policy, mode, users))
        })
}
