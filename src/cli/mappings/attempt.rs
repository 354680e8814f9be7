//! `mainstem mappings try`: messages through the rules of a node file, step by step.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use mainstem_config::NodeConfig;
use mainstem_mapping::{Input, Outcome, Pipeline, Step};
use mainstem_model::Monotonic;
use mainstem_service::{Mapping, MappingItem};
use serde_json::{Value, json};

use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

/// The largest file of a message.
const INPUT_FILE_BYTES_MAX: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(super) struct TryArgs {
    /// The node file.
    file: PathBuf,
    /// The mapping. By default the only one of the file.
    #[arg(long, value_name = "ID")]
    mapping: Option<String>,
    /// Which of its ways, counted from 0.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    item: usize,
    /// The topic on which the messages come. By default the first that it subscribes, if that has
    /// no wildcard.
    #[arg(long)]
    topic: Option<String>,
    /// A message: its text, or @FILE. Several are taken one after the other, as long as it takes
    /// for what the rules remember.
    #[arg(long, required = true, value_name = "TEXT|@FILE")]
    input: Vec<String>,
}

pub(super) fn run(args: &TryArgs, screen: Screen) -> Result<Exit, Failure> {
    let config = match mainstem_config::load(&args.file, crate::app::kinds()) {
        Ok(config) => config,
        Err(problems) => return Err(Failure::new(Exit::Configuration, problems.to_string())),
    };
    let mapping = find(&config, args.mapping.as_deref())?;
    let item = mapping.items.get(args.item).ok_or_else(|| {
        let count = mapping.items.len();
        let message = format!("`{}` has {count} ways, counted from 0", mapping.id);
        Failure::new(Exit::NotFound, message)
    })?;
    let (topic, vars, label) = subscribed(item, args.topic.as_deref())?;
    let failed = |fault: mainstem_mapping::Fault| Failure::new(Exit::Failure, fault.to_string());
    let mut pipeline = Pipeline::new(item).map_err(failed)?;
    let mut now = Monotonic::default();
    let (mut tried, mut is_well) = (Vec::new(), true);
    for input in &args.input {
        let message = Input {
            topic: topic.clone(),
            label: label.clone(),
            vars: vars.clone(),
            payload: payload(input)?.into(),
            wall_ms: 0,
        };
        let (steps, outcome) = pipeline.explain(message, now);
        is_well &= !matches!(outcome, Outcome::Failed(_));
        tried.push((steps, outcome));
    }
    if let Some(due) = pipeline.due() {
        // What is gathered by time is shown as well, as if that time had passed.
        now = due.after(Duration::from_millis(1));
        tried.extend(
            pipeline
                .tick(now)
                .into_iter()
                .map(|outcome| (Vec::new(), outcome)),
        );
    }
    show(&tried, screen)?;
    Ok(if is_well { Exit::Done } else { Exit::Failure })
}

fn find<'a>(config: &'a NodeConfig, id: Option<&str>) -> Result<&'a Mapping, Failure> {
    let mappings = &config.services.mappings;
    let found = match (id, mappings.as_slice()) {
        (Some(id), all) => all.iter().find(|mapping| mapping.id == id),
        (None, [one]) => Some(one),
        (None, _) => None,
    };
    found.ok_or_else(|| {
        let ids: Vec<&str> = mappings.iter().map(|mapping| mapping.id.as_str()).collect();
        let known = match ids.as_slice() {
            [] => "the file has no mapping".to_owned(),
            _ => format!("`--mapping` with one of: {}", ids.join(", ")),
        };
        Failure::new(Exit::NotFound, format!("which mapping? {known}"))
    })
}

type Subscribed = (String, Vec<(String, String)>, String);

/// The topic of the messages, what its wildcards stand for, and the label.
fn subscribed(item: &MappingItem, topic: Option<&str>) -> Result<Subscribed, Failure> {
    let usual = item
        .subscribe
        .first()
        .map(|s| s.pattern.topics().to_owned());
    let topic = match (topic, usual) {
        (Some(topic), _) => topic.to_owned(),
        (None, Some(usual)) if !usual.contains(['+', '#']) => usual,
        (None, usual) => {
            let message = format!(
                "on which topic? `--topic` with one that fits {}",
                usual.unwrap_or_default()
            );
            return Err(Failure::new(Exit::Usage, message));
        }
    };
    let mut all = item.subscribe.iter();
    let found = all.find_map(|s| Some((s, s.pattern.read(&topic)?)));
    let Some((subscribe, vars)) = found else {
        let message = format!("`{topic}` fits no subscription of this mapping");
        return Err(Failure::new(Exit::Usage, message));
    };
    let value = |name: &str| {
        let found = vars.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.clone()).ok_or(())
    };
    let label = subscribe.label.as_ref().map(|label| label.fill(value));
    let label = label.and_then(Result::ok).unwrap_or_else(|| topic.clone());
    Ok((topic, vars, label))
}

fn payload(input: &str) -> Result<Vec<u8>, Failure> {
    let Some(path) = input.strip_prefix('@') else {
        return Ok(input.as_bytes().to_vec());
    };
    let cannot = |why: String| Failure::new(Exit::Failure, format!("cannot read {path}: {why}"));
    let path = Path::new(path);
    let size = std::fs::metadata(path).map_err(|error| cannot(error.to_string()))?;
    if size.len() > INPUT_FILE_BYTES_MAX {
        return Err(cannot(format!(
            "it has more than {INPUT_FILE_BYTES_MAX} bytes"
        )));
    }
    std::fs::read(path).map_err(|error| cannot(error.to_string()))
}

fn show(tried: &[(Vec<Step>, Outcome)], screen: Screen) -> Result<(), Failure> {
    if screen.is_json() {
        let items: Vec<Value> = tried.iter().map(document).collect();
        screen.document(&json!({ "items": items }))?;
        return Ok(());
    }
    for (number, (steps, outcome)) in tried.iter().enumerate() {
        screen.line(format!("message {}", number + 1))?;
        for step in steps {
            let after = match (&step.payload, &step.fault) {
                (_, Some(fault)) => screen.paint(Tone::Bad, text::harmless(&fault.to_string())),
                (Some(payload), None) => text::harmless(payload),
                (None, None) => screen.paint(Tone::Quiet, "held back"),
            };
            screen.line(format!("  {:<15} {after}", step.rule))?;
        }
        match outcome {
            Outcome::Publish(message) => {
                let payload = String::from_utf8_lossy(&message.payload);
                let topic = text::harmless(&message.topic);
                screen.line(format!(
                    "  {:<15} {topic} {}",
                    "publish",
                    text::harmless(&payload)
                ))?;
            }
            Outcome::Held => screen.line("  nothing is published")?,
            Outcome::Failed(fault) => {
                let fault = text::harmless(&fault.to_string());
                screen.line(format!("  {} {fault}", screen.paint(Tone::Bad, "failed:")))?;
            }
        }
    }
    Ok(())
}

fn document((steps, outcome): &(Vec<Step>, Outcome)) -> Value {
    let read = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    let steps = steps.iter().map(|step| {
        json!({
            "rule": step.rule,
            "payload": step.payload.as_deref().map(read),
            "fault": step.fault.as_ref().map(ToString::to_string),
        })
    });
    let steps: Vec<Value> = steps.collect();
    let (published, fault) = match outcome {
        Outcome::Publish(message) => {
            let payload = read(&String::from_utf8_lossy(&message.payload));
            (
                json!({ "topic": message.topic, "payload": payload }),
                Value::Null,
            )
        }
        Outcome::Held => (Value::Null, Value::Null),
        Outcome::Failed(fault) => (Value::Null, Value::from(fault.to_string())),
    };
    json!({ "steps": steps, "publish": published, "fault": fault })
}
