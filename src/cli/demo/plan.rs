//! What the demo consists of: nodes, devices, datapoints, and who may do what.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use mainstem_security::Pin;

/// The nodes, from below: each after those that it reads.
pub(super) const NODES: [NodePlan; 4] = [
    NodePlan {
        name: "line1",
        about: "Filling line 1",
        below: &[],
    },
    NodePlan {
        name: "line2",
        about: "Filling line 2",
        below: &[],
    },
    NodePlan {
        name: "plant1",
        about: "Plant 1, two lines",
        below: &["line1", "line2"],
    },
    NodePlan {
        name: "enterprise",
        about: "The enterprise, one plant",
        below: &["plant1"],
    },
];

/// The nodes that have devices.
pub(super) const LINES: [&str; 2] = ["line1", "line2"];
/// What stands before a line's names at the enterprise.
pub(super) const PLANT: &str = "plant1";
/// The node at which everything is seen.
pub(super) const TOP: &str = "enterprise";

/// What a line lets the nodes above it write, and these let pass.
pub(super) const WRITABLE: [&str; 6] = [
    "plc.temperature_setpoint",
    "plc.speed_setpoint",
    "plc.motor_on",
    "opc.temperature_setpoint",
    "opc.speed_setpoint",
    "opc.motor_on",
];

/// One node.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodePlan {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) below: &'static [&'static str],
}

/// One datapoint of a device: its name, and the rest of its endpoint as YAML flow.
pub(super) struct PointPlan {
    pub(super) name: &'static str,
    pub(super) address: &'static str,
    pub(super) more: &'static str,
}

const fn point(name: &'static str, address: &'static str, more: &'static str) -> PointPlan {
    PointPlan {
        name,
        address,
        more,
    }
}

/// The datapoints of the simulated PLC; its map stands in src/device/README.md. The speed has no
/// limits here, so that a value out of range shows how the device itself refuses.
pub(super) const PLC_POINTS: [PointPlan; 13] = [
    point(
        "temperature",
        "fc: 4, address: 0, dataType: int16BE, interval: 250",
        "unit: °C, description: Oven, scaling: { factor: 0.1 }",
    ),
    point(
        "flow",
        "fc: 4, address: 1, dataType: floatBE, interval: 250",
        "unit: l/min, description: Filling",
    ),
    point(
        "counter",
        "fc: 4, address: 3, dataType: uint32BE, interval: 250",
        "unit: parts, description: Good parts",
    ),
    point(
        "state",
        "fc: 4, address: 5, dataType: uint16BE, interval: 250",
        "description: \"0 idle, 1 running, 2 stopped, 3 fault\"",
    ),
    point(
        "pressure",
        "fc: 4, address: 6, dataType: uint16BE, interval: 250",
        "unit: bar, description: Pump, scaling: { factor: 0.01 }",
    ),
    point(
        "speed",
        "fc: 4, address: 7, dataType: floatBE, interval: 250",
        "unit: rpm, description: Drive",
    ),
    point(
        "energy",
        "fc: 4, address: 9, dataType: int64BE, interval: 1000",
        "unit: Wh, description: Energy used",
    ),
    point(
        "batch",
        "fc: 4, address: 13, length: 8, dataType: string, interval: 1000",
        "description: Batch in production",
    ),
    point(
        "temperature_setpoint",
        "fc: 3, address: 0, dataType: int16BE, interval: 500",
        "access: rw, unit: °C, description: Oven, limits: { min: 0, max: 250 }, scaling: { factor: 0.1 }",
    ),
    point(
        "speed_setpoint",
        "fc: 3, address: 10, dataType: floatBE, interval: 500",
        "access: rw, unit: rpm, description: Drive",
    ),
    point(
        "motor_on",
        "fc: 1, address: 0, interval: 500",
        "access: rw, description: Drive released",
    ),
    point(
        "running",
        "fc: 2, address: 0, interval: 250",
        "description: The line runs",
    ),
    point(
        "alarm",
        "fc: 2, address: 1, interval: 250",
        "description: The line is in fault",
    ),
];

/// The datapoints of the simulated OPC UA server.
pub(super) const OPC_POINTS: [PointPlan; 12] = [
    point(
        "temperature",
        "nodeId: ns=2;s=Temperature, publishInterval: 250",
        "type: f64, unit: °C, description: Dryer",
    ),
    point(
        "temperature_setpoint",
        "nodeId: ns=2;s=TemperatureSetpoint, publishInterval: 500",
        "type: f64, access: rw, unit: °C, description: Dryer, limits: { min: 0, max: 250 }",
    ),
    point(
        "pressure",
        "nodeId: ns=2;s=Pressure, publishInterval: 250",
        "type: f32, unit: bar, description: Blower",
    ),
    point(
        "flow",
        "nodeId: ns=2;s=Flow, publishInterval: 250",
        "type: f32, unit: l/min, description: Air",
    ),
    point(
        "counter",
        "nodeId: ns=2;s=Counter, publishInterval: 250",
        "type: u32, unit: parts, description: Dried parts",
    ),
    point(
        "energy",
        "nodeId: ns=2;s=Energy, publishInterval: 1000",
        "type: i64, unit: Wh, description: Energy used",
    ),
    point(
        "state",
        "nodeId: ns=2;s=State, publishInterval: 250",
        "type: i32, description: \"0 idle, 1 running, 2 stopped, 3 fault\"",
    ),
    point(
        "batch",
        "nodeId: ns=2;s=Batch, publishInterval: 1000",
        "type: text, description: Batch in production",
    ),
    point(
        "motor_on",
        "nodeId: ns=2;s=MotorOn, publishInterval: 500",
        "type: bool, access: rw, description: Blower released",
    ),
    point(
        "speed",
        "nodeId: ns=2;s=Speed, publishInterval: 250",
        "type: f64, unit: rpm, description: Blower",
    ),
    point(
        "speed_setpoint",
        "nodeId: ns=2;s=SpeedSetpoint, publishInterval: 500",
        "type: f64, access: rw, unit: rpm, description: Blower",
    ),
    point(
        "last_change",
        "nodeId: ns=2;s=LastChange, publishInterval: 1000",
        "type: time, description: Last change of state or batch",
    ),
];

/// Everything that is known before the first node starts.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) folder: PathBuf,
    pub(super) sites: Vec<SitePlan>,
}

/// One node's place on this machine.
#[derive(Debug)]
pub(super) struct SitePlan {
    pub(super) node: NodePlan,
    pub(super) folder: PathBuf,
    pub(super) address: SocketAddr,
    pub(super) pin: Pin,
    /// The administrator's token.
    pub(super) token: String,
    /// The token of the node above it, unless it is the top.
    pub(super) link_token: String,
}

impl Plan {
    /// The place of a node.
    pub(super) fn site(&self, name: &str) -> Option<&SitePlan> {
        self.sites.iter().find(|site| site.node.name == name)
    }
}

impl SitePlan {
    pub(super) fn file(&self) -> PathBuf {
        self.folder.join("node.yaml")
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(super) fn ca(&self) -> PathBuf {
        self.data().join("ca.pem")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("mainstem.log")
    }

    pub(super) fn secret(&self, name: &str) -> PathBuf {
        self.folder.join("secrets").join(format!("{name}.token"))
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}", self.address)
    }
}

/// The folder of a line's simulated OPC UA server.
pub(super) fn opc_pki(folder: &Path, line: &str) -> PathBuf {
    folder.join("devices").join(line)
}

/// The names of a line's datapoints, without the line's own.
pub(super) fn line_points() -> impl Iterator<Item = String> {
    let plc = PLC_POINTS.iter().map(|point| format!("plc.{}", point.name));
    plc.chain(OPC_POINTS.iter().map(|point| format!("opc.{}", point.name)))
}

/// The names of all datapoints of devices, as the enterprise sees them.
pub(super) fn enterprise_points() -> Vec<String> {
    LINES
        .iter()
        .flat_map(|line| line_points().map(move |point| format!("{PLANT}.{line}.{point}")))
        .collect()
}
