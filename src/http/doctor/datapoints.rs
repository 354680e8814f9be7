//! Datapoints of this node that are not good, by reason, with a few of them by name.

use mainstem_adapter::{AdapterState, AdapterView};
use mainstem_model::{GlobSet, Reason, Status};
use mainstem_store::Trouble;
use mainstem_wire::api::doctor::EXAMPLES_MAX;

use super::own::Findings;
use crate::Api;
use crate::auth::Caller;

impl Findings<'_> {
    pub(super) fn datapoints(&mut self, api: &Api, caller: &Caller, adapters: &[AdapterView]) {
        let filter = caller.filter(GlobSet::everything());
        for trouble in api.store.survey(&filter, EXAMPLES_MAX) {
            if !is_told(&trouble, adapters) {
                self.trouble(&trouble);
            }
        }
    }

    fn trouble(&mut self, trouble: &Trouble) {
        let (grade, reason) = (trouble.quality.status, trouble.quality.reason);
        let severity = match grade {
            _ if is_on_purpose(reason) => "info",
            Status::Bad => "high",
            _ => "warning",
        };
        let count = trouble.count;
        let what = match count {
            1 => "1 datapoint is".to_owned(),
            _ => format!("{count} datapoints are"),
        };
        let at = trouble.at.as_deref();
        let place = at.map_or_else(String::new, |at| format!(" at {at}"));
        let text = format!(
            "{what} {}{place}: {} ({}).",
            grade.as_str(),
            words(reason),
            reason.as_str()
        );
        let id = format!(
            "datapoints.{}{}",
            reason.as_str(),
            at.map_or_else(String::new, |at| format!(".{at}"))
        );
        let finding = self.add(severity, "datapoints", &id, text, action(reason));
        finding.count = Some(count);
        finding.examples = trouble.examples.iter().map(ToString::to_string).collect();
    }
}

/// Whether an adapter says already why all of its datapoints are so.
fn is_told(trouble: &Trouble, adapters: &[AdapterView]) -> bool {
    let mut at_fault = adapters
        .iter()
        .filter(|adapter| Some(&adapter.name) == trouble.at.as_ref());
    at_fault.any(|adapter| adapter.state != AdapterState::Online)
}

/// Switched off, or said by the device itself, which knows what it says.
fn is_on_purpose(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::OutOfService | Reason::Stopped | Reason::UncertainSource
    )
}

fn words(reason: Reason) -> &'static str {
    match reason {
        Reason::Restarted => "kept from before a restart, and not confirmed since",
        Reason::Stale => "not confirmed within the time that was promised",
        Reason::Frozen => "the device answers, but its life datapoint stands still",
        Reason::BadSourceTime => "the time stamps cannot be right",
        Reason::Waiting => "no value has arrived yet",
        Reason::BadAddress => "the device has no such address",
        Reason::DeviceError => "the device answers with an error",
        Reason::BadType => "what comes does not have the declared type",
        Reason::DeviceDown => "the device behind the adapter does not answer",
        Reason::UncertainRange => "outside the limits of the sensor",
        Reason::UncertainSource | Reason::BadSource => "the device itself says so",
        Reason::NotConfigured => "the configuration is wrong",
        _ => "not to be trusted",
    }
}

fn action(reason: Reason) -> &'static str {
    match reason {
        Reason::Restarted | Reason::Waiting => {
            "See whether whoever provides them runs; what nobody provides any more can be removed."
        }
        Reason::Stale => "See whether the client that provides them still runs.",
        Reason::Frozen => "Look at the device: its program may have stopped.",
        Reason::BadSourceTime => "Set the clock of the device, or use `time: node`.",
        Reason::BadAddress | Reason::BadType | Reason::NotConfigured => {
            "Correct the endpoints in the node file; `mainstem points list --bad` shows all of them."
        }
        _ => "Look at the device; `mainstem points list --bad` shows all of them.",
    }
}
