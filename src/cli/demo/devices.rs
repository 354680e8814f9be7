//! The simulated devices: real protocols on loopback sockets, a plant model behind each.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use mainstem_device::{ModbusDevice, OpcuaDevice, OpcuaOptions, PlantClock, SharedPlant};

use super::plan::{LINES, opc_pki};
use crate::cli::exit::{Exit, Failure};

/// Any free port of this machine.
const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The devices of one line.
pub(super) struct LineDevices {
    plc: ModbusDevice,
    opc: OpcuaDevice,
}

/// All devices, and the clock that makes them live.
pub(super) struct Devices {
    pub(super) lines: Vec<LineDevices>,
    clock: PlantClock,
}

impl LineDevices {
    async fn start(folder: &Path, line: &str, plants: [SharedPlant; 2]) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(
                Exit::Failure,
                format!("a simulated device of {line}: {error}"),
            )
        };
        let [plc, opc] = plants;
        let plc = ModbusDevice::start(ANYWHERE, plc)
            .await
            .map_err(|error| failed(&error))?;
        let options = OpcuaOptions::new(ANYWHERE, opc_pki(folder, line));
        let opc = OpcuaDevice::start(options, opc)
            .await
            .map_err(|error| failed(&error))?;
        Ok(Self { plc, opc })
    }

    pub(super) fn plc_address(&self) -> SocketAddr {
        self.plc.address()
    }

    pub(super) fn opc_url(&self) -> String {
        self.opc.endpoint_url()
    }
}

impl Devices {
    pub(super) async fn start(folder: &Path) -> Result<Self, Failure> {
        // The same seeds each time, so that two visitors see the same plant.
        let plants: Vec<[SharedPlant; 2]> = (1_u64..)
            .take(LINES.len())
            .map(|seed| [SharedPlant::new(seed), SharedPlant::new(seed + 100)])
            .collect();
        let clock = PlantClock::start(plants.iter().flatten().cloned().collect());
        let mut lines = Vec::with_capacity(LINES.len());
        for (line, plants) in LINES.iter().zip(plants) {
            lines.push(Box::pin(LineDevices::start(folder, line, plants)).await?);
        }
        Ok(Self { lines, clock })
    }

    pub(super) async fn stop(self) {
        for line in self.lines {
            line.opc.stop().await;
            line.plc.stop().await;
        }
        self.clock.stop().await;
    }
}
