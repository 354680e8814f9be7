//! Datapoints of the node as lines: by rules of patterns, into the spool. Pure but for its counters.

use mainstem_adapter::{Outgoing, Statistics};
use mainstem_model::{Glob, GlobSet};

use crate::config::{Precision, Version};
use crate::line::{self, Field};
use crate::spool::Spool;
use crate::template::Template;

/// What is written of which datapoints.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) include: GlobSet,
    pub(crate) measurement: Template,
    pub(crate) tags: Vec<(String, Template)>,
    pub(crate) field: Template,
}

/// The rules of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) rules: Vec<Rule>,
    pub(crate) version: Version,
    pub(crate) precision: Precision,
}

/// Everything that some rule may want: each of their patterns that allows, but nothing of the adapter
/// itself, which would be written in a circle.
pub(crate) fn wanted(include: &[&[String]], adapter: &str) -> Option<GlobSet> {
    let own = format!("!{adapter}.**");
    let allowing = include.iter().flat_map(|list| list.iter());
    let allowing = allowing.filter(|pattern| !pattern.starts_with('!'));
    let patterns: Vec<&str> = std::iter::once(own.as_str())
        .chain(allowing.map(String::as_str))
        .collect();
    GlobSet::new(&patterns).ok()
}

impl Rules {
    /// Puts the lines of samples into the spool; the first rule that fits decides. Returns how many
    /// lines had to go for them.
    pub(crate) fn gather(
        &self,
        samples: &mut Vec<Outgoing>,
        spool: &mut Spool,
        statistics: &Statistics,
    ) -> u64 {
        let mut gone = 0;
        for sample in samples.drain(..) {
            // A bad value is none, and the last good one is there already.
            let Some(value) = sample.value.as_ref().filter(|_| sample.quality.is_good()) else {
                continue;
            };
            let rule = self
                .rules
                .iter()
                .find(|rule| rule.include.allows(&sample.name));
            let Some(rule) = rule else {
                continue;
            };
            let made = Field::of(value, self.version).and_then(|field| {
                let name = &*sample.name;
                let tags: Vec<(&str, String)> = rule
                    .tags
                    .iter()
                    .map(|(key, template)| (key.as_str(), template.fill(name)))
                    .collect();
                let tags = tags.iter().map(|(key, value)| (*key, value.as_str()));
                let key = rule.field.fill(name);
                let measurement = rule.measurement.fill(name);
                let fields = [(key.as_str(), field)];
                line::line(&measurement, tags, &fields, sample.time, self.precision)
            });
            match made {
                Ok(line) => gone += spool.push(line),
                Err(error) => {
                    statistics.failed("not_writable");
                    tracing::debug!(%error, point = &*sample.name, "a sample is not written");
                }
            }
        }
        gone
    }
}

/// Whether a text is a pattern, `!` in front or not.
pub(crate) fn is_pattern(text: &str) -> bool {
    Glob::new(text.strip_prefix('!').unwrap_or(text)).is_ok()
}
