//! A Modbus TCP server in front of one plant or several (a gateway with units).

mod faults;
mod image;
mod service;
#[cfg(test)]
mod tests;
mod transport;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio_modbus::server::tcp::Server;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::clock::SharedPlant;
pub use faults::ModbusFaults;
pub use image::Table;
use image::UnitImage;
use service::UnitService;
use transport::Connection;

/// The unit id of a device that is no gateway.
pub const DEFAULT_UNIT: u8 = 1;

/// Most connections at a time; one more is closed at once, as small PLCs do.
const MAX_CONNECTIONS: usize = 64;

/// Why a simulated Modbus device did not start or stop.
#[derive(Debug, thiserror::Error)]
pub enum ModbusError {
    /// The address could not be listened on.
    #[error("the simulated Modbus device cannot listen on {address}; choose a free port or 0")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// The units behind the server, by unit id.
type Units = Arc<BTreeMap<u8, UnitImage>>;

/// A running Modbus TCP server. Dropping it ends it; [`ModbusDevice::stop`] also waits.
#[derive(Debug)]
pub struct ModbusDevice {
    address: SocketAddr,
    units: Units,
    faults: ModbusFaults,
    tracker: TaskTracker,
    token: CancellationToken,
    _guard: DropGuard,
}

impl ModbusDevice {
    /// Serves one plant as unit [`DEFAULT_UNIT`]. Port 0 takes any free port.
    ///
    /// # Errors
    /// [`ModbusError::Bind`] when the address is taken or not ours.
    pub async fn start(address: SocketAddr, plant: SharedPlant) -> Result<Self, ModbusError> {
        Self::start_gateway(address, [(DEFAULT_UNIT, plant)]).await
    }

    /// Serves several plants, each as a unit of its own. A unit that does not exist answers as a
    /// gateway does: `GatewayTargetDevice`.
    ///
    /// # Errors
    /// [`ModbusError::Bind`] when the address is taken or not ours.
    pub async fn start_gateway(
        address: SocketAddr,
        units: impl IntoIterator<Item = (u8, SharedPlant)>,
    ) -> Result<Self, ModbusError> {
        let bind = |source| ModbusError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let bound = listener.local_addr().map_err(bind)?;
        let units = units
            .into_iter()
            .map(|(unit, plant)| (unit, UnitImage::new(plant)))
            .collect();
        let token = CancellationToken::new();
        let device = Self {
            address: bound,
            units: Arc::new(units),
            faults: ModbusFaults::default(),
            tracker: TaskTracker::new(),
            _guard: token.clone().drop_guard(),
            token,
        };
        device.serve(listener);
        Ok(device)
    }

    fn serve(&self, listener: TcpListener) {
        let (units, faults) = (Arc::clone(&self.units), self.faults.clone());
        let (tracker, stopped) = (self.tracker.clone(), self.token.clone().cancelled_owned());
        let address = self.address;
        self.tracker.spawn(async move {
            let accept = |stream: TcpStream, peer: SocketAddr| {
                let accepted = admit(stream, peer, &units, &faults, &tracker);
                async move { Ok(accepted) }
            };
            let failed = |error| debug!(%error, "a Modbus connection ended");
            let server = Server::new(listener);
            if let Err(error) = server.serve_until(&accept, failed, stopped).await {
                warn!(%address, %error, "the simulated Modbus device stopped accepting");
            }
        });
        self.tracker.close();
    }

    /// The address it listens on, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The switches that make the device misbehave.
    #[must_use]
    pub fn faults(&self) -> &ModbusFaults {
        &self.faults
    }

    /// How often a register or coil was written since the start. Refused writes do not count,
    /// and neither do requests that the device was frozen for.
    #[must_use]
    pub fn write_count(&self, unit: u8, table: Table, address: u16) -> u64 {
        self.units
            .get(&unit)
            .map_or(0, |image| image.write_count(table, address))
    }

    /// Requests that were understood and answered since the start, exceptions included.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.faults.answered()
    }

    /// Closes the listener and every connection, and waits until they are gone.
    pub async fn stop(self) {
        self.token.cancel();
        self.tracker.wait().await;
    }
}

/// Decides about a new connection. `None` closes it.
fn admit(
    stream: TcpStream,
    peer: SocketAddr,
    units: &Units,
    faults: &ModbusFaults,
    tracker: &TaskTracker,
) -> Option<(UnitService, Connection)> {
    // One token is the accept loop's own, so this leaves room for exactly the limit.
    if faults.refuses() || tracker.len() > MAX_CONNECTIONS {
        debug!(%peer, "a Modbus connection is refused");
        return None;
    }
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%peer, %error, "answers may wait for the peer's acknowledgement");
    }
    let service = UnitService::new(Arc::clone(units), faults.clone());
    let connection = Connection::new(stream, faults.cut_signal(), tracker.token());
    Some((service, connection))
}
