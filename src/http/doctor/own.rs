//! Everything that this node finds wrong with itself.

use std::collections::BTreeMap;

use mainstem_model::{Timestamp, WriteState};
use mainstem_telemetry::ProblemState;
use mainstem_wire::api::doctor::{EXAMPLES_MAX, Finding};

use super::links::check_of;
use mainstem_write::WriteQuery;

use crate::Api;
use crate::auth::Caller;

/// A token that ends sooner is worth a word.
const TOKEN_DAYS: i64 = 14;
const DAY_US: i64 = 86_400_000_000;
/// Of the newest writes, so many are looked at.
const WRITES_MAX: usize = 1000;
/// Less free space than this part of a disk, in percent, is a warning, less than this an alarm.
const DISK_PERCENT: (u64, u64) = (10, 3);
/// More free space than this needs nobody, whatever part of the disk it is.
const DISK_ENOUGH: u64 = 20 << 30;

/// What was found so far.
pub(super) struct Findings<'a> {
    node: &'a str,
    alarms: BTreeMap<String, ProblemState>,
    found: Vec<Finding>,
}

/// All of this node's own.
pub(super) async fn findings(api: &Api, caller: &Caller) -> Vec<Finding> {
    let disk = api.parts.disk().await;
    let alarms = api.health.list().into_iter().filter(|state| state.active);
    let mut findings = Findings {
        node: &api.store.setup().name,
        alarms: alarms
            .map(|state| (state.problem.id.clone(), state))
            .collect(),
        found: Vec::new(),
    };
    let (remotes, adapters) = (api.parts.remotes(), api.parts.adapters());
    for remote in &remotes {
        findings.remote(remote);
    }
    for adapter in &adapters {
        findings.adapter(adapter);
    }
    findings.datapoints(api, caller, &adapters);
    findings.loggers(api, caller);
    findings.missed(api, &remotes);
    findings.writes(api, caller);
    if caller.principal.rights.admin || caller.principal.rights.link {
        findings.tokens(api);
    }
    if let Some(disk) = disk {
        findings.disk(disk.free, disk.total);
    }
    findings.others();
    findings.found
}

impl Findings<'_> {
    pub(super) fn add(
        &mut self,
        severity: &str,
        check: &str,
        id: &str,
        text: impl Into<String>,
        action: impl Into<String>,
    ) -> &mut Finding {
        let finding = Finding {
            node: self.node.to_owned(),
            hop: None,
            severity: severity.to_owned(),
            check: check.to_owned(),
            id: id.to_owned(),
            text: text.into(),
            action: action.into(),
            since: None,
            count: None,
            examples: Vec::new(),
        };
        let at = self.found.len();
        self.found.push(finding.bounded());
        &mut self.found[at]
    }

    pub(super) fn has_alarm(&self, id: &str) -> bool {
        self.alarms.contains_key(id)
    }

    /// How severe the alarm of the same id is.
    pub(super) fn severity_of(&self, id: &str) -> Option<&'static str> {
        let alarm = self.alarms.get(id)?;
        Some(alarm.problem.severity.as_str())
    }

    /// The alarms that no other check has told.
    fn others(&mut self) {
        let alarms = std::mem::take(&mut self.alarms);
        for (id, alarm) in alarms {
            if self.found.iter().any(|finding| finding.id == id) {
                continue;
            }
            let problem = alarm.problem;
            let severity = problem.severity.as_str();
            self.add(severity, check_of(&id), &id, problem.text, problem.action)
                .since = Some(alarm.since);
        }
    }

    fn missed(&mut self, api: &Api, remotes: &[mainstem_remote::RemoteView]) {
        let mut counts: BTreeMap<String, u64> = remotes
            .iter()
            .map(|remote| (remote.name.clone(), remote.counters.missed))
            .collect();
        counts.insert(String::new(), api.counters.missed.get());
        let grown = api.growth.look(counts, api.clock().monotonic());
        let since = "since the doctor last looked, or the start";
        for (name, more) in grown.into_iter().filter(|(_, more)| *more > 0) {
            let (severity, id, text, action) = if name.is_empty() {
                let text = format!(
                    "Readers of this node were too slow for {more} entries {since}; they got the \
                     latest values instead."
                );
                let action = "Raise `feed.log_bytes` of this node, or speed up the lines.";
                ("info", "feed.missed".to_owned(), text, action)
            } else {
                let text = format!(
                    "{more} entries of {name} were evicted there before they were read, {since}."
                );
                let action = "Raise `feed.log_bytes` at the remote, or speed up the line.";
                ("warning", format!("link.{name}.missed"), text, action)
            };
            self.add(severity, "feed", &id, text, action).count = Some(more);
        }
    }

    /// Writes of the last day of which nobody can tell what became of them.
    fn writes(&mut self, api: &Api, caller: &Caller) {
        let from = api.clock().now().micros().saturating_sub(DAY_US);
        let query = WriteQuery {
            state: Some(WriteState::Unknown),
            from: Some(Timestamp::from_micros(from)),
            ..WriteQuery::default()
        };
        let kept = api.writes.list(&caller.principal, &query, None, WRITES_MAX);
        let unknown = kept.items;
        if unknown.is_empty() {
            return;
        }
        let count = unknown.len() as u64;
        let text = format!("{count} writes of the last day have an unknown outcome.");
        let action = "Look at the devices: nobody can tell whether they were changed. `mainstem \
                      points get` shows what they say now.";
        let finding = self.add("warning", "writes", "writes.unknown", text, action);
        finding.count = Some(count);
        let names = unknown.iter().take(EXAMPLES_MAX);
        finding.examples = names.map(|write| write.name.clone()).collect();
    }

    fn tokens(&mut self, api: &Api) {
        let now = api.clock().now();
        for token in api.tokens.list() {
            let Some(ends) = token.expires else { continue };
            let Some((severity, text)) = ending(&token.name, ends, now) else {
                continue;
            };
            let action = "Make a new one with `mainstem token create`, give it to who uses it, and \
                          revoke this one.";
            let id = format!("token.{}", token.id);
            self.add(severity, "token", &id, text, action).since = (ends <= now).then_some(ends);
        }
    }

    fn disk(&mut self, free: u64, total: u64) {
        let percent = (u128::from(free) * 100) / u128::from(total.max(1));
        let (warning, high) = DISK_PERCENT;
        let severity = match percent {
            _ if free >= DISK_ENOUGH => return,
            percent if percent < u128::from(high) => "high",
            percent if percent < u128::from(warning) => "warning",
            _ => return,
        };
        let text = format!(
            "The disk of the data folder is almost full: {percent} % ({} MiB) are free.",
            free >> 20
        );
        let action = "Make room: without it no checkpoint, no audit and no write can be kept.";
        self.add(severity, "disk", "disk", text, action).count = Some(free);
    }
}

/// What to say about a token that ends soon, or has ended lately.
fn ending(name: &str, ends: Timestamp, now: Timestamp) -> Option<(&'static str, String)> {
    let left = ends.micros().saturating_sub(now.micros());
    let days = left.unsigned_abs() / DAY_US.unsigned_abs();
    if left > TOKEN_DAYS * DAY_US {
        None
    } else if left > 0 {
        let text = format!("The token of {name} ends in {days} days, at {ends}.");
        Some(("warning", text))
    } else {
        let text = format!("The token of {name} ended {days} days ago, at {ends}.");
        Some(("info", text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Findings<'static> {
        Findings {
            node: "line1",
            alarms: BTreeMap::new(),
            found: Vec::new(),
        }
    }

    #[test]
    fn a_full_disk_is_told_by_part_and_by_size() {
        let severity = |free: u64, total: u64| {
            let mut findings = empty();
            findings.disk(free, total);
            findings
                .found
                .first()
                .map(|finding| finding.severity.clone())
        };
        assert_eq!(severity(10 << 30, 100 << 30), None);
        assert_eq!(
            severity((10 << 30) - 1, 100 << 30).as_deref(),
            Some("warning")
        );
        assert_eq!(severity(2 << 30, 100 << 30).as_deref(), Some("high"));
        assert_eq!(
            severity(DISK_ENOUGH, 10 << 40),
            None,
            "one in five hundred, and enough"
        );
        assert_eq!(severity(0, 0).as_deref(), Some("high"));
    }

    #[test]
    fn a_token_is_told_two_weeks_before_its_end() {
        let now = Timestamp::from_micros(100 * DAY_US);
        let at = |days: i64, more: i64| {
            let ends = Timestamp::from_micros((100 + days) * DAY_US + more);
            ending("mes", ends, now).map(|(severity, _)| severity)
        };
        assert_eq!(at(14, 1), None);
        assert_eq!(at(14, 0), Some("warning"));
        assert_eq!(at(0, 1), Some("warning"));
        assert_eq!(at(0, 0), Some("info"));
    }
}
