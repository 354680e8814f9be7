//! What the node tells the program: one JSON object in a line each.

use mainstem_model::Access;
use serde::Serialize;
use serde_json::Value;

/// The version of the line protocol.
pub(crate) const PROTOCOL: u32 = 1;

/// An order to the program.
#[derive(Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(crate) enum Order<'a> {
    /// Open the connection to the device, for the first time in the program's life.
    Connect(Setup<'a>),
    /// Close what is left of the connection, and open it again.
    Reconnect(Setup<'a>),
    /// Send samples of these datapoints from now on, first of all what they are now.
    Subscribe {
        /// Which.
        points: &'a [u32],
    },
    /// Read these datapoints.
    Read {
        /// The number to be answered.
        request: u64,
        /// Which.
        points: &'a [u32],
    },
    /// Write a datapoint.
    Write {
        /// The number to be answered.
        request: u64,
        /// Which.
        point: u32,
        /// The value.
        value: Value,
        /// When it must not be written any more, from now, in milliseconds.
        within_ms: u64,
    },
    /// Give a sign of life.
    Ping {
        /// The number to be answered.
        request: u64,
    },
    /// Close the connection; the program's end follows.
    Disconnect,
}

/// What the program has to know of its connection.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Setup<'a> {
    /// The version of this protocol.
    pub(crate) protocol: u32,
    /// The name of the adapter.
    pub(crate) name: &'a str,
    /// Its `config:`.
    pub(crate) config: &'a Value,
    /// Its datapoints.
    pub(crate) points: &'a [PointSetup],
}

/// What the program has to know of a datapoint.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PointSetup {
    /// Its number in every line.
    pub(crate) id: u32,
    /// Its name below the adapter's.
    pub(crate) name: String,
    /// Its address.
    pub(crate) address: Value,
    /// The type of its values on the wire.
    #[serde(rename = "type")]
    pub(crate) value_type: String,
    /// `r`, `w` or `rw`.
    pub(crate) access: Access,
    /// How often it is to be read, in milliseconds.
    pub(crate) interval_ms: u64,
}

impl Order<'_> {
    /// What it says, for who looks at the wire. The connection's options may hold secrets.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Connect(setup) => format!("connect, {} datapoints", setup.points.len()),
            Self::Reconnect(setup) => format!("reconnect, {} datapoints", setup.points.len()),
            other => {
                let mut line = Vec::new();
                other.write_to(&mut line);
                String::from_utf8_lossy(&line).trim_end().to_owned()
            }
        }
    }

    /// Appends the line.
    pub(crate) fn write_to(&self, line: &mut Vec<u8>) {
        // Writing to memory cannot fail, and every key is a text.
        if serde_json::to_writer(&mut *line, self).is_ok() {
            line.push(b'\n');
        }
    }
}
