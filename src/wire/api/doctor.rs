//! What is wrong with a node and with the nodes below it, where, and what to do.

use mainstem_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::form;

/// Findings of one report, over all nodes; further ones are counted.
pub const FINDINGS_MAX: usize = 500;
/// Nodes of one report.
pub const NODES_MAX: usize = 1000;
/// Bytes of the findings in one report to a neighbour; the least severe are left out first.
pub const REPORT_BYTES_MAX: usize = 160 * 1024;
/// Bytes of one text of a finding.
pub const TEXT_BYTES_MAX: usize = 512;
/// Examples of one finding.
pub const EXAMPLES_MAX: usize = 3;

/// The body of `POST /api/v1/link/doctor`: a neighbour asks on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct LinkDoctor {
    /// How long the sender waits for the answer, in microseconds.
    #[serde(deserialize_with = "form::unsigned")]
    #[schema(format = "uint64", maximum = 18446744073709551615u64)]
    pub budget_us: u64,
    /// Nodes that asked so far; at most 8 are asked one below the other.
    #[serde(default, deserialize_with = "form::small")]
    #[schema(format = "uint32", maximum = 4294967295u64)]
    pub passed: u32,
}

/// Something that is wrong, or worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// The name of the node that found it.
    pub node: String,
    /// The way to that node, as a path of prefixes seen from the node that answers; not there if
    /// it is that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<String>,
    /// `info`, `warning`, `high` or `critical`.
    pub severity: String,
    /// What was looked at: `alarm link canary clock adapter datapoints feed names token disk
    /// writes doctor`.
    pub check: String,
    /// What it is, the same each time: for an alarm its id, `link.line1`.
    pub id: String,
    /// What is wrong, as a sentence.
    pub text: String,
    /// What to do, as a sentence.
    pub action: String,
    /// Since when, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// How many there are of it, where that is a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// A few of them by name, in the names of the node that found it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 3)]
    pub examples: Vec<String>,
}

/// A node that was asked, or could not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoctorNode {
    /// Its name; that of the remote entry where it did not answer.
    pub name: String,
    /// The way to it, seen from the node that answers; not there if it is that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<String>,
    /// `answered`, or why not: `no_link`, `too_old`, `silent`, `refused`, `too_far`, `not_mainstem`.
    pub state: String,
    /// A sentence about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// What is wrong with a node and with the nodes below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoctorDocument {
    /// Whether nothing was found that is worse than `info`, and nothing was left out. A node that
    /// does not answer is a finding.
    pub healthy: bool,
    /// The nodes that were asked, the one that answers first.
    #[schema(max_items = 1000)]
    pub nodes: Vec<DoctorNode>,
    /// What was found, the worst first.
    #[schema(max_items = 500)]
    pub findings: Vec<Finding>,
    /// Findings that had no room in this report.
    #[serde(default)]
    pub left_out: u64,
}

impl DoctorDocument {
    /// A bounded report: the worst first, and the least severe left out where there are too many.
    pub fn new(mut nodes: Vec<DoctorNode>, mut findings: Vec<Finding>, left_out: u64) -> Self {
        nodes.truncate(NODES_MAX);
        findings.sort_by_key(|finding| std::cmp::Reverse(rank(&finding.severity)));
        let mut bytes = 0;
        let fits = |finding: &&Finding| {
            bytes += finding.bytes();
            bytes <= REPORT_BYTES_MAX
        };
        let room = findings.iter().take(FINDINGS_MAX).take_while(fits).count();
        let more = findings.len().saturating_sub(room) as u64;
        findings.truncate(room);
        let is_sound = |finding: &Finding| rank(&finding.severity) == 0;
        Self {
            healthy: more == 0 && left_out == 0 && findings.iter().all(is_sound),
            nodes,
            findings,
            left_out: left_out.saturating_add(more),
        }
    }
}

impl Finding {
    /// About how many bytes it has in a document.
    fn bytes(&self) -> usize {
        let texts = [
            &self.node,
            &self.severity,
            &self.check,
            &self.id,
            &self.text,
            &self.action,
        ];
        let hop = self.hop.as_ref().map_or(0, String::len);
        let examples: usize = self.examples.iter().map(String::len).sum();
        // Names of members, quotes, a time.
        let around = 200;
        texts.into_iter().map(String::len).sum::<usize>() + hop + examples + around
    }

    /// Cut to its bounds: a neighbour may send anything.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.examples.truncate(EXAMPLES_MAX);
        let texts = [
            &mut self.node,
            &mut self.severity,
            &mut self.check,
            &mut self.id,
            &mut self.text,
            &mut self.action,
        ];
        let others = self.examples.iter_mut().chain(self.hop.as_mut());
        for text in texts.into_iter().chain(others) {
            text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        }
        self
    }
}

impl DoctorNode {
    /// Cut to its bounds: a neighbour may send anything.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let texts = [&mut self.name, &mut self.state];
        let others = self.hop.as_mut().into_iter().chain(self.cause.as_mut());
        for text in texts.into_iter().chain(others) {
            text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        }
        self
    }
}

/// How soon somebody should look; what a newer node knows counts as a warning.
pub fn rank(severity: &str) -> u8 {
    match severity {
        "info" => 0,
        "high" => 2,
        "critical" => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: &str, text: &str) -> Finding {
        Finding {
            node: "line1".into(),
            hop: None,
            severity: severity.into(),
            check: "alarm".into(),
            id: "x".into(),
            text: text.into(),
            action: String::new(),
            since: None,
            count: None,
            examples: Vec::new(),
        }
    }

    #[test]
    fn the_worst_comes_first_and_the_least_is_left_out() {
        let mut found = vec![finding("info", "i"); FINDINGS_MAX];
        found.push(finding("critical", "c"));
        found.push(finding("warning", "w"));
        let report = DoctorDocument::new(Vec::new(), found, 0);
        assert_eq!(report.findings.len(), FINDINGS_MAX);
        assert_eq!((report.left_out, report.healthy), (2, false));
        assert_eq!(report.findings[0].text, "c");
        assert_eq!(report.findings[1].text, "w");
    }

    #[test]
    fn a_report_has_bounded_bytes() {
        let long = "x".repeat(10 * TEXT_BYTES_MAX);
        let found = (0..FINDINGS_MAX).map(|_| finding("high", &long).bounded());
        let report = DoctorDocument::new(Vec::new(), found.collect(), 0);
        assert!(report.left_out > 0);
        let bytes = serde_json::to_vec(&report).unwrap().len();
        assert!(bytes <= REPORT_BYTES_MAX + 64 * 1024, "{bytes}");
    }

    #[test]
    fn only_what_is_worse_than_info_is_unwell() {
        let well = DoctorDocument::new(Vec::new(), vec![finding("info", "i")], 0);
        assert!(well.healthy);
        assert!(!DoctorDocument::new(Vec::new(), Vec::new(), 1).healthy);
        let unheard = DoctorDocument::new(Vec::new(), vec![finding("dreadful", "?")], 0);
        assert!(!unheard.healthy, "a word of a newer node is no reassurance");
    }
}
