//! Asks the node behind a link what is wrong with it and below it. Nobody waits longer than the
//! budget says, and what comes back is cut to its bounds.

use std::time::Duration;

use mainstem_wire::api::doctor::{
    DoctorDocument, DoctorNode, FINDINGS_MAX, Finding, LinkDoctor, NODES_MAX,
};

use super::Link;
use crate::connection::Poster;

/// Of the time that is left, the part that the next node may take, in percent: its answer needs
/// the way back.
const SHARE_BELOW: u32 = 90;

/// What came of asking the node behind a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Below {
    /// What it says of itself and of the nodes below it, with the way to them from here.
    Answered(DoctorDocument),
    /// It was not asked, or did not answer.
    Unasked {
        /// `no_link`, `too_old`, `silent` or `refused`.
        state: &'static str,
        /// A sentence about it.
        cause: String,
    },
}

impl Below {
    fn unasked(state: &'static str, cause: impl Into<String>) -> Self {
        let cause = cause.into();
        Self::Unasked { state, cause }
    }
}

impl Link {
    /// What is wrong with the node behind this link and with those below it.
    pub fn doctor(&self, ask: LinkDoctor) -> impl Future<Output = Below> + Send + use<> {
        let prefix = self.options.prefix.clone();
        let (poster, can) = {
            let reach = self.reach.lock();
            (reach.poster.clone(), reach.doctor)
        };
        let is_one_way = self.options.one_way;
        let place = self.explaining.clone().try_acquire_owned();
        async move {
            if is_one_way {
                let why = "the link to it is one way: nothing can be asked over it";
                return Below::unasked("one_way", why);
            }
            let Some(poster) = poster else {
                return Below::unasked("no_link", "there is no communication with it");
            };
            if !can {
                let why = "its version is older and cannot be asked; update it";
                return Below::unasked("too_old", why);
            }
            let Ok(_place) = place else {
                let why = "too many questions are under way over this link";
                return Below::unasked("silent", why);
            };
            match ask_on(&poster, ask).await {
                Ok(report) => Below::Answered(seen_from_here(report, &prefix)),
                Err(unasked) => unasked,
            }
        }
    }
}

async fn ask_on(poster: &Poster, ask: LinkDoctor) -> Result<DoctorDocument, Below> {
    let patience = Duration::from_micros(ask.budget_us);
    let below = patience * SHARE_BELOW / 100;
    let ask = LinkDoctor {
        budget_us: u64::try_from(below.as_micros()).unwrap_or(0),
        passed: ask.passed.saturating_add(1),
    };
    let body = serde_json::to_vec(&ask).unwrap_or_default();
    let answer = poster.post("/api/v1/link/doctor", body);
    match tokio::time::timeout(patience, answer).await {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(error)) => Err(Below::unasked("refused", error.to_string())),
        Err(_) => {
            let why = format!("it did not answer within {:.1} s", patience.as_secs_f64());
            Err(Below::unasked("silent", why))
        }
    }
}

/// A report of the node below with the way to everything from here, cut to its bounds.
fn seen_from_here(report: DoctorDocument, prefix: &str) -> DoctorDocument {
    let way = |hop: Option<String>| match hop {
        Some(hop) => Some(format!("{prefix}.{hop}")),
        None => Some(prefix.to_owned()),
    };
    let more = report.findings.len().saturating_sub(FINDINGS_MAX) as u64;
    let findings = report.findings.into_iter().take(FINDINGS_MAX);
    let findings = findings.map(|mut finding: Finding| {
        finding.hop = way(finding.hop.take());
        finding.bounded()
    });
    let nodes = report.nodes.into_iter().take(NODES_MAX);
    let nodes = nodes.map(|mut node: DoctorNode| {
        node.hop = way(node.hop.take());
        node.bounded()
    });
    let left_out = report.left_out.saturating_add(more);
    DoctorDocument::new(nodes.collect(), findings.collect(), left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_of_below_gets_the_way_from_here() {
        let report: DoctorDocument = serde_json::from_value(serde_json::json!({
            "healthy": false, "left_out": 2,
            "nodes": [{"name": "plant", "state": "answered"},
                {"name": "line1", "hop": "line1", "state": "silent"}],
            "findings": [{"node": "plant", "severity": "high", "check": "link", "id": "link.line1",
                "text": "x".repeat(10_000), "action": "", "hop": "line1"}],
        }))
        .unwrap();
        let seen = seen_from_here(report, "area.plant");
        let hops: Vec<_> = seen.nodes.iter().map(|node| node.hop.as_deref()).collect();
        assert_eq!(hops, [Some("area.plant"), Some("area.plant.line1")]);
        assert_eq!(seen.findings[0].hop.as_deref(), Some("area.plant.line1"));
        assert!(seen.findings[0].text.len() <= 512);
        assert_eq!((seen.left_out, seen.healthy), (2, false));
    }
}
