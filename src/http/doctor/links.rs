//! Remotes and adapters that are not as they should be.

use mainstem_adapter::{AdapterState, AdapterView};
use mainstem_remote::{LinkState, RemoteView};

use super::own::Findings;

/// A clock that is certainly off by more is worth a word.
const OFF_US: u64 = 1_000_000;

impl Findings<'_> {
    pub(super) fn remote(&mut self, remote: &RemoteView) {
        self.link(remote);
        let name = &remote.name;
        let id = format!("link.{name}.clock");
        if let Some((offset, uncertainty)) = remote.offset_us.zip(remote.uncertainty_us)
            && offset.unsigned_abs().saturating_sub(uncertainty) >= OFF_US
            && !self.has_alarm(&id)
        {
            #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
            let seconds = offset as f64 / 1e6;
            let text = format!("The clock of {name} is {seconds:+.1} s from this node's.");
            let action = "Set the wrong one, best by NTP on both.";
            self.add("info", "clock", &id, text, action);
        }
        let left_out = remote.counters.left_out;
        if left_out > 0 {
            let last = remote.last_left_out.as_deref().unwrap_or_default();
            let text = format!("{left_out} datapoints of {name} are left out; the last: {last}.");
            let action = "Rename them at the remote, or shorten the prefixes on the way.";
            let id = format!("link.{name}.left_out");
            self.add("warning", "names", &id, text, action).count = Some(left_out);
        }
        let bad = remote.counters.bad_values;
        if bad > 0 {
            let text = format!("{bad} values of {name} did not have their declared type.");
            let action = "Update the remote: this is a defect of what runs there.";
            let id = format!("link.{name}.bad_values");
            self.add("warning", "names", &id, text, action).count = Some(bad);
        }
    }

    fn link(&mut self, remote: &RemoteView) {
        let name = &remote.name;
        let cause = remote.cause.as_deref().unwrap_or("it was not told why");
        let (severity, text) = match remote.state {
            LinkState::Live | LinkState::Resting => return,
            LinkState::Paused => ("info", format!("The link to {name} is switched off.")),
            LinkState::Snapshot => ("info", format!("Everything of {name} is being read.")),
            LinkState::Replaying => {
                let text = format!("What was missed of {name} is being read.");
                ("info", text)
            }
            LinkState::Degraded => {
                let text = format!("What {name} sends is too old to be trusted: {cause}.");
                ("high", text)
            }
            LinkState::Refused => ("high", format!("{name} refuses the link: {cause}.")),
            LinkState::Connecting | LinkState::Waiting => {
                ("warning", format!("No communication with {name}: {cause}."))
            }
        };
        let id = format!("link.{name}");
        let severity = self.severity_of(&id).unwrap_or(severity);
        let action = remote.action.clone().unwrap_or_default();
        self.add(severity, "link", &id, text, action).since = Some(remote.since);
    }

    pub(super) fn adapter(&mut self, adapter: &AdapterView) {
        let name = &adapter.name;
        let id = format!("adapter.{name}");
        let message = adapter.cause.as_ref().map(|cause| cause.message.as_str());
        let cause = message.unwrap_or("the first try is under way");
        let found = match adapter.state {
            AdapterState::Online | AdapterState::Stopped => None,
            AdapterState::Paused => {
                let text = format!("The adapter {name} is switched off.");
                let action =
                    format!("Somebody has to resume it: `mainstem adapters resume {name}`.");
                Some(("info", text, action))
            }
            state => {
                let text = format!("No communication with the device of {name}: {cause}.");
                Some(("warning", text, adapter_action(name, state)))
            }
        };
        if let Some((severity, text, action)) = found {
            let severity = self.severity_of(&id).unwrap_or(severity);
            self.add(severity, "adapter", &id, text, action).since = Some(adapter.since);
            return;
        }
        for device in adapter
            .devices
            .iter()
            .filter(|device| !device.quality.is_good())
        {
            let id = format!("adapter.{name}.{}", device.name);
            let reason = device.quality.reason.as_str();
            let text = format!(
                "The device {} behind {name} is not well: {reason}.",
                device.name
            );
            let action = "Look at the device and its cable; the others behind the adapter answer.";
            self.add("warning", "adapter", &id, text, action);
        }
    }
}

fn adapter_action(name: &str, state: AdapterState) -> String {
    let what = match state {
        AdapterState::Misconfigured => "Somebody has to correct its configuration",
        AdapterState::Refused => {
            "Tries again by itself. Somebody has to see why the device does not want this node"
        }
        _ => "Tries again by itself. Somebody has to see that the device runs and is reached",
    };
    format!("{what}; `mainstem adapters show {name}` has the details.")
}

/// What an alarm is about, by its id.
pub(super) fn check_of(id: &str) -> &'static str {
    let mut parts = id.split('.');
    match (parts.next(), parts.next_back()) {
        (Some("link"), Some("clock")) => "clock",
        (Some("link"), Some("canary")) => "canary",
        (Some("link"), _) => "link",
        (Some("adapter"), _) => "adapter",
        (Some("datalogger" | "loggers"), _) => "loggers",
        _ => "alarm",
    }
}
