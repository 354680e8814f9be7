//! The device that `try` and `browse` speak to: its kind, its URL, and what else its connection
//! needs. No node is involved.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use mainstem_adapter::explore::{BrowseAsk, ExploreError, Guide};
use mainstem_adapter::{AdapterSpec, Explore, Kind, SessionEnd, Trace};
use mainstem_model::Clock;
use mainstem_model::quantity::parse_duration;
use mainstem_telemetry::SystemClock;
use serde_json::{Map, Value};

use crate::cli::exit::{Exit, Failure};

/// Bytes of a password file.
const PASSWORD_BYTES_MAX: u64 = 4096;
/// Where certificates for OPC UA servers are kept unless somebody says it.
const FOLDER: &str = "mainstem-try";
/// Parts of an option's name, with dots between them.
const OPTION_DEPTH_MAX: usize = 4;

#[derive(Args, Clone, Debug)]
pub(super) struct DeviceArgs {
    /// The protocol: modbus, s7, opcua, mqtt, http, … (`mainstem adapters kinds` lists them)
    kind: String,
    /// Where the device is, such as tcp://10.1.2.3, s7://10.1.2.3 or opc.tcp://10.1.2.3:4840
    device: String,
    /// Modbus: the unit behind a gateway
    #[arg(long)]
    unit: Option<u32>,
    /// S7: the rack of the CPU
    #[arg(long)]
    rack: Option<u32>,
    /// S7: the slot of the CPU; 2 for S7-300, 1 for S7-1200 and S7-1500
    #[arg(long)]
    slot: Option<u32>,
    /// The user, where the device wants one
    #[arg(long)]
    user: Option<String>,
    /// A file with the user's password
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// Any other option of `connection:`, such as -o securityPolicy=Basic256Sha256
    #[arg(short = 'o', long = "option", value_name = "KEY=VALUE")]
    options: Vec<String>,
    /// How long one answer may take
    #[arg(long, default_value = "10s", value_name = "TIME")]
    patience: String,
    /// The folder for certificates (OPC UA) and what other options name as a file
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// A device that can be asked.
pub(super) struct Device {
    pub(super) kind: &'static Kind,
    pub(super) explore: &'static dyn Explore,
    /// As it was written.
    pub(super) url: String,
    /// The content of `connection:`, with the password.
    pub(super) connection: Value,
    /// The option that holds the password, if there is one.
    pub(super) secret: Option<&'static str>,
    pub(super) patience: Duration,
    folder: PathBuf,
}

impl DeviceArgs {
    pub(super) fn read(&self) -> Result<Device, Failure> {
        let (kind, explore) = kind(&self.kind)?;
        let guide = explore.guide();
        let connection = explore
            .connection(&self.device)
            .map_err(|message| usage(message).action(format!("write it as {}", guide.url)))?;
        let mut connection = match connection {
            Value::Object(connection) => connection,
            _ => Map::new(),
        };
        let number = |number: Option<u32>| number.map(Value::from);
        let words = [
            ("unit", number(self.unit)),
            ("rack", number(self.rack)),
            ("slot", number(self.slot)),
            ("user", self.user.clone().map(Value::from)),
            ("password", self.password()?.map(Value::from)),
        ];
        for (word, value) in words {
            let Some(value) = value else { continue };
            let option = option_of(&guide, word)
                .ok_or_else(|| usage(format!("--{word} has no meaning for {}", kind.name)))?;
            put(&mut connection, option, value)?;
        }
        for option in &self.options {
            let (key, value) = option
                .split_once('=')
                .ok_or_else(|| usage(format!("-o {option}: KEY=VALUE is expected")))?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            put(&mut connection, key, value)?;
        }
        let patience = parse_duration(&self.patience)
            .map_err(|error| usage(format!("--patience {}: {error}", self.patience)))?;
        Ok(Device {
            kind,
            explore,
            url: self.device.clone(),
            connection: Value::Object(connection),
            secret: self
                .password_file
                .is_some()
                .then(|| option_of(&guide, "password"))
                .flatten(),
            patience,
            folder: self.folder.clone().unwrap_or_else(|| FOLDER.into()),
        })
    }

    fn password(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.password_file else {
            return Ok(None);
        };
        let text = super::file::read(path, PASSWORD_BYTES_MAX)?;
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

impl Device {
    /// The connection without endpoints.
    pub(super) fn spec(&self) -> AdapterSpec {
        AdapterSpec {
            name: "try".into(),
            connection: self.connection.clone(),
            endpoints: Vec::new(),
            folder: self.folder.clone(),
            home: PathBuf::from("."),
        }
    }

    pub(super) fn ask(&self, start: Option<String>, trace: &Trace) -> BrowseAsk {
        BrowseAsk {
            spec: self.spec(),
            start,
            patience: self.patience,
            trace: trace.clone(),
            clock: clock(),
        }
    }
}

/// The clocks of this machine.
pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// A kind that can be explored, by its name.
pub(super) fn kind(name: &str) -> Result<(&'static Kind, &'static dyn Explore), Failure> {
    let kinds = crate::app::kinds();
    let found = kinds
        .iter()
        .find(|kind| kind.name.eq_ignore_ascii_case(name));
    let can = || {
        let able = kinds.iter().filter(|kind| kind.explore.is_some());
        let names: Vec<String> = able.map(|kind| kind.name.to_ascii_lowercase()).collect();
        format!("these can: {}", names.join(", "))
    };
    let Some(kind) = found else {
        return Err(usage(format!("there is no protocol {name:?}")).action(can()));
    };
    let Some(explore) = kind.explore else {
        let message = format!("{} devices cannot be asked from here", kind.name);
        return Err(usage(message).action(can()));
    };
    Ok((kind, explore))
}

fn option_of(guide: &Guide, word: &str) -> Option<&'static str> {
    let found = guide.words.iter().find(|(known, _)| *known == word);
    found.map(|(_, option)| *option)
}

/// Sets an option by its text: JSON where it is some, else a text.
pub(super) fn set_option(connection: &mut Value, key: &str, text: &str) -> Result<(), Failure> {
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    match connection.as_object_mut() {
        Some(connection) => put(connection, key, value),
        None => Ok(()),
    }
}

/// Sets an option; dots lead into sections.
fn put(connection: &mut Map<String, Value>, key: &str, value: Value) -> Result<(), Failure> {
    let wrong = || usage(format!("-o {key}: no name of an option"));
    let parts: Vec<&str> = key.split('.').collect();
    if parts.len() > OPTION_DEPTH_MAX || parts.iter().any(|part| part.is_empty()) {
        return Err(wrong());
    }
    let Some((last, sections)) = parts.split_last() else {
        return Err(wrong());
    };
    let mut here = connection;
    for section in sections {
        let below = here
            .entry(*section)
            .or_insert_with(|| Value::Object(Map::new()));
        here = below.as_object_mut().ok_or_else(wrong)?;
    }
    here.insert((*last).to_owned(), value);
    Ok(())
}

pub(super) fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, message)
}

/// Why a device could not be explored, as the command ends.
pub(super) fn failed(error: &ExploreError, guide: &Guide) -> Failure {
    let message = error.to_string();
    match error {
        ExploreError::Wrong(_) => {
            let action = format!("an address is such as {}", guide.addresses.join("; "));
            usage(message).action(action)
        }
        ExploreError::NotBrowsable => usage(message).action("use `mainstem adapters try`"),
        ExploreError::Session(SessionEnd::Lost { .. }) | ExploreError::Silent(_) => {
            Failure::new(Exit::NoCommunication, message)
        }
        ExploreError::Session(SessionEnd::Refused { .. }) => Failure::new(Exit::Refused, message),
        ExploreError::Session(SessionEnd::Misconfigured { .. }) => usage(message),
    }
}
