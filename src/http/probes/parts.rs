//! The rows of remotes and adapters in the metrics: as many as there are parts in the node file.

use mainstem_adapter::{AdapterState, AdapterView, ROUND_TRIP_BOUNDS_US};
use mainstem_remote::{LinkState, RemoteView};
use mainstem_telemetry::Metrics;

const REMOTE: &[&str] = &["remote"];
const REMOTE_STATE: &[&str] = &["remote", "state"];
const ADAPTER: &[&str] = &["adapter"];
const ADAPTER_STATE: &[&str] = &["adapter", "state"];
const ADAPTER_CODE: &[&str] = &["adapter", "code"];
const ADAPTER_BOUND: &[&str] = &["adapter", "le"];

/// One family of numbers, emptied and filled anew: what is gone from the node file is gone here.
struct Sheet<'a>(&'a Metrics);

impl Sheet<'_> {
    fn counts(
        &self,
        name: &str,
        help: &str,
        labels: &'static [&'static str],
        rows: &[(&str, u64)],
    ) {
        let family = self.0.counters(name, help, labels);
        family.clear();
        for (part, count) in rows {
            family.with(&[part]).inc_by(*count);
        }
    }

    fn values(
        &self,
        name: &str,
        help: &str,
        labels: &'static [&'static str],
        rows: impl Iterator<Item = (Vec<String>, Option<f64>)>,
    ) {
        let family = self.0.float_gauges(name, help, labels);
        family.clear();
        // What is not known has no row: a zero would be a value.
        for (values, value) in rows {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            if let Some(value) = value {
                family.with(&values).set(value);
            }
        }
    }
}

/// Writes what the parts show into the metrics.
pub(super) fn fill(metrics: &Metrics, remotes: &[RemoteView], adapters: &[AdapterView]) {
    let sheet = Sheet(metrics);
    remote_values(&sheet, remotes);
    remote_counts(&sheet, remotes);
    adapter_rows(&sheet, adapters);
}

#[expect(clippy::cast_precision_loss, reason = "numbers of a graph")]
fn remote_values(sheet: &Sheet<'_>, remotes: &[RemoteView]) {
    let each = |name: &str, help: &str, value: &dyn Fn(&RemoteView) -> Option<f64>| {
        let rows = remotes.iter().map(|r| (vec![r.name.clone()], value(r)));
        sheet.values(name, help, REMOTE, rows);
    };
    let states = remotes
        .iter()
        .map(|r| (vec![r.name.clone(), r.state.as_str().to_owned()], Some(1.0)));
    let help = "The state of the link to a remote: the row that is there";
    sheet.values("remote_state", help, REMOTE_STATE, states);
    each(
        "remote_up",
        "1 while the link is live, or rests between two rounds",
        &|r| {
            let is_up = matches!(r.state, LinkState::Live | LinkState::Resting);
            Some(f64::from(u8::from(is_up)))
        },
    );
    each(
        "remote_lag_entries",
        "Entries of the remote's feed not applied yet",
        &|r| r.lag.map(|lag| lag as f64),
    );
    each(
        "remote_lag_seconds",
        "Age of the oldest state not applied yet",
        &|r| r.lag_time.map(|lag| lag.as_secs_f64()),
    );
    each(
        "remote_logger_lag_rows",
        "Rows of the remote's data loggers that are not here yet",
        &|r| r.loggers.as_ref().map(|loggers| loggers.lag() as f64),
    );
    each(
        "remote_logger_lag_seconds",
        "For how long there have been rows of the remote's data loggers that are not here",
        &|r| {
            let loggers = r.loggers.as_ref()?;
            Some(loggers.behind().map_or(0.0, |behind| behind.as_secs_f64()))
        },
    );
    each("remote_lag_bytes", "Estimated bytes still to come", &|r| {
        r.lag_bytes.map(|lag| lag as f64)
    });
    each(
        "remote_heard_seconds",
        "Since anything came from the remote",
        &|r| r.heard.map(|heard| heard.as_secs_f64()),
    );
    each(
        "remote_rows_per_second",
        "Rows per second, a mean over some seconds",
        &|r| Some(r.row_rate),
    );
    each(
        "remote_canary_age_seconds",
        "Since the remote's canary changed here",
        &|r| r.canary(&r.prefix).map(|canary| canary.age.as_secs_f64()),
    );
    each(
        "remote_clock_offset_seconds",
        "The remote's clock minus this node's",
        &|r| r.offset_us.map(|offset| offset as f64 / 1e6),
    );
    each(
        "remote_clock_uncertainty_seconds",
        "How wrong the offset can be",
        &|r| r.uncertainty_us.map(|wrong| wrong as f64 / 1e6),
    );
}

fn remote_counts(sheet: &Sheet<'_>, remotes: &[RemoteView]) {
    let each = |name: &str, help: &str, count: &dyn Fn(&RemoteView) -> u64| {
        let rows: Vec<_> = remotes.iter().map(|r| (&*r.name, count(r))).collect();
        sheet.counts(name, help, REMOTE, &rows);
    };
    each("remote_bytes", "Bytes of streams, as they came", &|r| {
        r.counters.bytes
    });
    each("remote_rows", "Rows that came", &|r| r.counters.rows);
    each("remote_changes", "Rows that were changes here", &|r| {
        r.counters.changes
    });
    each(
        "remote_missed",
        "Entries evicted at the remote before they were read",
        &|r| r.counters.missed,
    );
    each("remote_left_out", "Datapoints left out", &|r| {
        r.counters.left_out
    });
    each(
        "remote_snapshots",
        "Streams that began with a snapshot",
        &|r| r.counters.snapshots,
    );
    each(
        "remote_resumes",
        "Streams that went on behind a cursor",
        &|r| r.counters.resumes,
    );
}

#[expect(clippy::cast_precision_loss, reason = "numbers of a graph")]
fn adapter_rows(sheet: &Sheet<'_>, adapters: &[AdapterView]) {
    let each = |name: &str, help: &str, value: &dyn Fn(&AdapterView) -> Option<f64>| {
        let rows = adapters.iter().map(|a| (vec![a.name.clone()], value(a)));
        sheet.values(name, help, ADAPTER, rows);
    };
    let states = adapters
        .iter()
        .map(|a| (vec![a.name.clone(), a.state.as_str().to_owned()], Some(1.0)));
    let help = "The state of an adapter: the row that is there";
    sheet.values("adapter_state", help, ADAPTER_STATE, states);
    each("adapter_up", "1 while the device answers", &|a| {
        Some(f64::from(u8::from(a.state == AdapterState::Online)))
    });
    each("adapter_points", "Datapoints of the adapter", &|a| {
        Some(a.points as f64)
    });
    each(
        "adapter_round_trip_p99_seconds",
        "99 of 100 requests are answered within",
        &|a| a.statistics.round_trip_p99.map(|trip| trip.as_secs_f64()),
    );
    let counts = |name: &str, help: &str, count: &dyn Fn(&AdapterView) -> u64| {
        let rows: Vec<_> = adapters.iter().map(|a| (&*a.name, count(a))).collect();
        sheet.counts(name, help, ADAPTER, &rows);
    };
    counts("adapter_requests", "Requests to the device", &|a| {
        a.statistics.requests
    });
    counts("adapter_samples", "Samples delivered", &|a| {
        a.statistics.samples
    });
    counts("adapter_writes", "Writes handed to the device", &|a| {
        a.statistics.writes
    });
    counts(
        "adapter_overruns",
        "Polls that took longer than their interval",
        &|a| a.statistics.overruns,
    );
    counts("adapter_errors", "Errors of all kinds", &|a| {
        a.statistics.errors.values().sum()
    });
    counts(
        "adapter_connects",
        "Sessions that came up: one more than there were reconnects",
        &|a| a.statistics.connects,
    );
    each(
        "adapter_round_trip_seconds_sum",
        "All round trips together",
        &|a| Some(a.statistics.round_trips.as_secs_f64()),
    );
    each(
        "adapter_round_trip_seconds_count",
        "Answered requests",
        &|a| Some(a.statistics.requests as f64),
    );
    adapter_classes(sheet, adapters);
}

/// What has a second label: errors by code, and the histogram of round trips.
#[expect(clippy::cast_precision_loss, reason = "numbers of a graph")]
fn adapter_classes(sheet: &Sheet<'_>, adapters: &[AdapterView]) {
    let errors = adapters.iter().flat_map(|a| {
        let row = |(code, count): (&&str, &u64)| {
            (
                vec![a.name.clone(), (*code).to_owned()],
                Some(*count as f64),
            )
        };
        a.statistics.errors.iter().map(row)
    });
    let help = "Errors by code since the start";
    sheet.values("adapter_errors_by_code", help, ADAPTER_CODE, errors);
    let classes = adapters.iter().flat_map(|a| {
        let bounds = ROUND_TRIP_BOUNDS_US
            .iter()
            .map(|&us| (us as f64 / 1e6).to_string());
        let mut sum = 0;
        let class = move |(bound, count): (String, &u64)| {
            sum += count;
            (vec![a.name.clone(), bound], Some(sum as f64))
        };
        let bounds = bounds.chain(["+Inf".to_owned()]);
        bounds.zip(&a.statistics.classes).map(class)
    });
    let help = "Requests that were answered within so many seconds";
    sheet.values(
        "adapter_round_trip_seconds_bucket",
        help,
        ADAPTER_BOUND,
        classes,
    );
}
