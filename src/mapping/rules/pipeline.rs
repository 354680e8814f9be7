//! All rules of one way of a mapping.

use std::cell::RefCell;
use std::rc::Rc;

use mainstem_model::Monotonic;
use mainstem_service::{MappingItem, Rule, TopicTemplate};

use super::expression::Engine;
use super::memory::Stashes;
use super::message::{Body, Context};
use super::stage::{Stage, Travelling};
use super::{Fault, Input, Message, burst};

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is to be published.
    Publish(Message),
    /// A rule held it back, or it waits with others.
    Held,
    /// A rule failed.
    Failed(Fault),
}

/// What one rule did to a message, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The rule's key in the file.
    pub rule: &'static str,
    /// The payload afterwards, as JSON; none where the rule held it back.
    pub payload: Option<String>,
    /// What went wrong.
    pub fault: Option<Fault>,
}

/// The rules of one way of a mapping, with what they remember. It stays on the thread that made it.
pub struct Pipeline {
    stages: Vec<(&'static str, Stage)>,
    topic: TopicTemplate,
    engine: Engine,
    stashes: Rc<RefCell<Stashes>>,
}

impl Pipeline {
    /// Makes the rules ready.
    pub fn new(item: &MappingItem) -> Result<Self, Fault> {
        Self::of(&item.rules, item.publish.topic.clone())
    }

    fn of(rules: &[Rule], topic: TopicTemplate) -> Result<Self, Fault> {
        let stages = rules
            .iter()
            .map(|rule| Ok((rule.name(), Stage::new(rule)?)));
        let stashes = Rc::new(RefCell::new(Stashes::default()));
        Ok(Self {
            stages: stages.collect::<Result<_, Fault>>()?,
            topic,
            engine: Engine::new(Rc::clone(&stashes)),
            stashes,
        })
    }

    /// Takes a message through all rules.
    pub fn take(&mut self, input: Input, now: Monotonic) -> Outcome {
        let message = travelling(input);
        self.go_on(message, 0, now, None)
    }

    /// The same, telling what each rule did.
    pub fn explain(&mut self, input: Input, now: Monotonic) -> (Vec<Step>, Outcome) {
        let mut steps = Vec::new();
        let message = travelling(input);
        let outcome = self.go_on(message, 0, now, Some(&mut steps));
        (steps, outcome)
    }

    /// When a batch that waits has to go.
    #[must_use]
    pub fn due(&self) -> Option<Monotonic> {
        burst::earliest(self.stages.iter().map(|(_, stage)| stage.due()))
    }

    /// Sends on every batch that has waited long enough.
    pub fn tick(&mut self, now: Monotonic) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for index in 0..self.stages.len() {
            if let Some(batch) = self.stages[index].1.ripe(now) {
                outcomes.push(self.go_on(batch, index + 1, now, None));
            }
        }
        outcomes
    }

    fn go_on(
        &mut self,
        mut message: Travelling,
        from: usize,
        now: Monotonic,
        mut told: Option<&mut Vec<Step>>,
    ) -> Outcome {
        for (rule, stage) in self.stages.iter_mut().skip(from) {
            let worked = stage.work(&mut message, &self.engine, &self.stashes, now);
            if let Some(told) = &mut told {
                told.push(step(rule, &worked, &message.body));
            }
            match worked {
                Ok(true) => {}
                Ok(false) => return Outcome::Held,
                Err(fault) => return Outcome::Failed(fault),
            }
        }
        match self.publish(message) {
            Ok(message) => Outcome::Publish(message),
            Err(fault) => Outcome::Failed(fault),
        }
    }

    fn publish(&self, message: Travelling) -> Result<Message, Fault> {
        let topic = self.topic.fill(|name| message.context.level(name));
        Ok(Message {
            topic: topic.map_err(Fault::Topic)?,
            payload: message.body.into_bytes()?,
        })
    }
}

fn travelling(input: Input) -> Travelling {
    Travelling {
        context: Context::of(&input),
        body: Body::Raw(input.payload),
    }
}

fn step(rule: &'static str, worked: &Result<bool, Fault>, body: &Body) -> Step {
    let shown = || match body {
        Body::Raw(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Body::Same(_, value) | Body::Made(value) => value.to_json_string().ok(),
    };
    Step {
        rule,
        payload: matches!(worked, Ok(true)).then(shown).flatten(),
        fault: worked.as_ref().err().cloned(),
    }
}
