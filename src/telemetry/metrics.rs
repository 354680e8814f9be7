//! Counters and gauges of one node, as text for Prometheus.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::{Mutex, RwLock};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

pub use prometheus_client::metrics::counter::Counter;
pub use prometheus_client::metrics::gauge::Gauge;
pub use prometheus_client::metrics::histogram::Histogram;

/// A gauge with a fraction.
pub type FloatGauge = Gauge<f64, AtomicU64>;

/// Names in one registry; what is more is counted but not shown.
pub const METRICS_MAX: usize = 1000;
/// Members of one labelled family; further ones share the member [`OTHER`].
pub const FAMILY_MEMBERS_MAX: usize = 10_000;
/// The label value of whatever exceeds [`FAMILY_MEMBERS_MAX`].
pub const OTHER: &str = "other";

type Labels = Vec<(&'static str, String)>;

/// The metrics of one node. Cheap to clone; asking twice for a name gives the same metric.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    shared: Arc<RwLock<Shared>>,
}

#[derive(Debug)]
struct Shared {
    registry: Registry,
    known: HashMap<String, Known>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            registry: Registry::with_prefix("mainstem"),
            known: HashMap::new(),
        }
    }
}

#[derive(Clone, Debug)]
enum Known {
    Counter(Counter),
    Gauge(Gauge),
    FloatGauge(FloatGauge),
    Histogram(Histogram),
    Counters(CounterFamily),
    Gauges(GaugeFamily),
    FloatGauges(FloatGaugeFamily),
}

// One constructor for each kind: known already, or made and registered under the node's prefix.
macro_rules! metric {
    ($self:ident, $name:ident, $help:ident, $kind:ident, $make:expr, $register:expr) => {{
        let mut shared = $self.shared.write();
        if let Some(Known::$kind(metric)) = shared.known.get($name) {
            return metric.clone();
        }
        let metric = $make;
        if shared.known.contains_key($name) {
            tracing::error!(metric = $name, "the metric exists with another kind");
        } else if shared.known.len() >= METRICS_MAX {
            tracing::error!(metric = $name, "too many metrics, this one is not shown");
        } else {
            shared.registry.register($name, $help, $register(&metric));
            shared
                .known
                .insert($name.to_owned(), Known::$kind(metric.clone()));
        }
        metric
    }};
}

impl Metrics {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// A number that only grows. Prometheus sees it as `mainstem_<name>_total`.
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        metric!(
            self,
            name,
            help,
            Counter,
            Counter::default(),
            Counter::clone
        )
    }

    /// A whole number that goes up and down.
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        metric!(self, name, help, Gauge, Gauge::default(), Gauge::clone)
    }

    /// A number with a fraction that goes up and down.
    pub fn float_gauge(&self, name: &str, help: &str) -> FloatGauge {
        metric!(
            self,
            name,
            help,
            FloatGauge,
            FloatGauge::default(),
            FloatGauge::clone
        )
    }

    /// A distribution over buckets with the given upper ends.
    pub fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        let make = || Histogram::new(buckets.iter().copied());
        metric!(self, name, help, Histogram, make(), Histogram::clone)
    }

    /// Counters told apart by labels.
    pub fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &'static [&'static str],
    ) -> CounterFamily {
        let make = || CounterFamily {
            labels,
            family: Family::default(),
            members: Arc::default(),
        };
        let inner = |made: &CounterFamily| made.family.clone();
        metric!(self, name, help, Counters, make(), inner)
    }

    /// Gauges told apart by labels.
    pub fn gauges(&self, name: &str, help: &str, labels: &'static [&'static str]) -> GaugeFamily {
        let make = || GaugeFamily {
            labels,
            family: Family::default(),
            members: Arc::default(),
        };
        let inner = |made: &GaugeFamily| made.family.clone();
        metric!(self, name, help, Gauges, make(), inner)
    }

    /// Gauges with a fraction, told apart by labels.
    pub fn float_gauges(
        &self,
        name: &str,
        help: &str,
        labels: &'static [&'static str],
    ) -> FloatGaugeFamily {
        let make = || FloatGaugeFamily {
            labels,
            family: Family::default(),
            members: Arc::default(),
        };
        let inner = |made: &FloatGaugeFamily| made.family.clone();
        metric!(self, name, help, FloatGauges, make(), inner)
    }

    /// Everything in the OpenMetrics text format.
    pub fn render(&self) -> String {
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.shared.read().registry) {
            tracing::error!(%error, "metrics could not be written");
        }
        text
    }
}

macro_rules! family {
    ($family:ident, $member:ident, $what:literal) => {
        #[doc = $what]
        #[derive(Clone, Debug)]
        pub struct $family {
            labels: &'static [&'static str],
            family: Family<Labels, $member>,
            members: Arc<Mutex<usize>>,
        }

        impl $family {
            /// The member with these label values, in the order of the family's labels.
            /// Missing values are empty, surplus ones left out.
            pub fn with(&self, values: &[&str]) -> $member {
                let labels = labels(self.labels, values);
                if let Some(member) = self.family.get(&labels) {
                    return member.clone();
                }
                let mut members = self.members.lock();
                if let Some(member) = self.family.get(&labels) {
                    return member.clone();
                }
                if *members < FAMILY_MEMBERS_MAX {
                    *members += 1;
                    return self.family.get_or_create_owned(&labels);
                }
                let other = vec![OTHER; self.labels.len()];
                self.family
                    .get_or_create_owned(&self::labels(self.labels, &other))
            }

            /// Forgets all members.
            pub fn clear(&self) {
                let mut members = self.members.lock();
                self.family.clear();
                *members = 0;
            }

            /// Forgets a member, when what it counted is gone.
            pub fn remove(&self, values: &[&str]) {
                let mut members = self.members.lock();
                if self.family.remove(&labels(self.labels, values)) {
                    *members = members.saturating_sub(1);
                }
            }
        }
    };
}

family!(CounterFamily, Counter, "Counters told apart by labels.");
family!(GaugeFamily, Gauge, "Gauges told apart by labels.");
family!(
    FloatGaugeFamily,
    FloatGauge,
    "Gauges with a fraction, told apart by labels."
);

fn labels(names: &[&'static str], values: &[&str]) -> Labels {
    let values = values.iter().copied().chain(std::iter::repeat(""));
    names
        .iter()
        .zip(values)
        .map(|(name, value)| (*name, value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_rendered() {
        let metrics = Metrics::new();
        metrics.counter("samples", "Samples taken").inc_by(3);
        metrics.gauge("links", "Links open").set(-2);
        metrics
            .float_gauge("offset_seconds", "Clock offset")
            .set(0.5);
        metrics
            .histogram("wait_seconds", "Waiting", &[0.1, 1.0])
            .observe(0.5);
        let errors = metrics.counters("errors", "Errors", &["adapter", "code"]);
        errors.with(&["plc\"1", "02"]).inc();
        let text = metrics.render();
        for line in [
            "mainstem_samples_total 3",
            "mainstem_links -2",
            "mainstem_offset_seconds 0.5",
            "mainstem_wait_seconds_bucket{le=\"1.0\"} 1",
            "mainstem_errors_total{adapter=\"plc\\\"1\",code=\"02\"} 1",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
    }

    #[test]
    fn a_name_is_one_metric_and_one_node_does_not_see_the_other() {
        let (one, two) = (Metrics::new(), Metrics::new());
        one.counter("x", "X").inc();
        one.clone().counter("x", "X").inc();
        assert_eq!(one.counter("x", "X").get(), 2);
        assert_eq!(two.counter("x", "X").get(), 0);
        assert_eq!(one.render().matches("# TYPE").count(), 1);
        // Another kind under the same name works but is not shown.
        one.gauge("x", "X").set(7);
        assert_eq!(one.render().matches("# TYPE").count(), 1);
    }

    #[test]
    fn members_are_limited_and_removed() {
        let metrics = Metrics::new();
        let family = metrics.gauges("size", "Sizes", &["who"]);
        for member in 0..FAMILY_MEMBERS_MAX + 5 {
            family.with(&[&member.to_string()]).inc();
        }
        assert_eq!(family.with(&[OTHER]).get(), 5);
        assert_eq!(family.with(&["0"]).get(), 1);
        assert!(metrics.render().contains("{who=\"0\"}"));
        family.remove(&["0"]);
        assert!(!metrics.render().contains("{who=\"0\"}"));
    }

    #[test]
    fn names_are_limited() {
        let metrics = Metrics::new();
        for name in 0..=METRICS_MAX {
            metrics.gauge(&format!("g{name}"), "G").inc();
        }
        assert_eq!(metrics.render().matches("# TYPE").count(), METRICS_MAX);
    }
}
