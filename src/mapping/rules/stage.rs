//! One rule, ready to work.

use std::cell::RefCell;

use jsonata_core::value::JValue;
use mainstem_model::Monotonic;
use mainstem_service::{BurstRule, CovRule, Format, Rule};

use super::burst::{Burst, Gathering};
use super::collect::Collect;
use super::cov::Cov;
use super::expression::{Engine, Expression};
use super::memory::Stashes;
use super::message::{Body, Context};
use super::{Fault, bytes_in};

/// One rule with what it remembers.
pub(super) enum Stage {
    Parse(Format),
    Transform(Expression),
    Filter(Expression),
    SetContextVars(Vec<(String, Expression)>),
    Cov(CovRule, Cov),
    Burst(BurstRule, Burst),
    Collect(Collect),
    Stash(String),
}

/// A message on its way.
pub(super) struct Travelling {
    pub(super) body: Body,
    pub(super) context: Context,
}

impl Stage {
    pub(super) fn new(rule: &Rule) -> Result<Self, Fault> {
        let name = rule.name();
        Ok(match rule {
            Rule::Parse(rule) => Self::Parse(rule.format),
            Rule::Transform(rule) => Self::Transform(Expression::new(name, &rule.expression)?),
            Rule::Filter(rule) => Self::Filter(Expression::new(name, &rule.expression)?),
            Rule::SetContextVars(rule) => {
                let vars = rule.vars.iter();
                let read = |(key, text): (&String, &String)| {
                    Ok((key.clone(), Expression::new(name, text)?))
                };
                Self::SetContextVars(vars.map(read).collect::<Result<_, Fault>>()?)
            }
            Rule::Cov(rule) => Self::Cov(rule.clone(), Cov::default()),
            Rule::Burst(rule) => Self::Burst(rule.clone(), Burst::default()),
            Rule::Collect(_) => Self::Collect(Collect::default()),
            Rule::Stash(rule) => Self::Stash(rule.label.clone()),
        })
    }

    /// Works on a message; whether it goes on.
    pub(super) fn work(
        &mut self,
        message: &mut Travelling,
        engine: &Engine,
        stashes: &RefCell<Stashes>,
        now: Monotonic,
    ) -> Result<bool, Fault> {
        let Travelling { body, context } = message;
        match self {
            Self::Parse(format) => parse(body, *format),
            Self::Transform(expression) => {
                let made = engine.evaluate(expression, body.value()?, context)?;
                let goes_on = made.is_some();
                *body = Body::Made(made.unwrap_or(JValue::Null));
                Ok(goes_on)
            }
            Self::Filter(expression) => {
                let result = engine.evaluate(expression, body.value()?, context)?;
                passes(result.as_ref())
            }
            Self::SetContextVars(vars) => {
                for (name, expression) in vars {
                    let value = engine.evaluate(expression, body.value()?, context)?;
                    let value = value.unwrap_or(JValue::Null);
                    context.vars.insert(name.clone(), (value, false));
                }
                Ok(true)
            }
            Self::Cov(rule, cov) => Ok(cov.passes(rule, &context.topic, body.value()?)),
            Self::Burst(rule, burst) => {
                let gathered = burst.take(rule, body.value()?, context, now)?;
                if let Gathering::Full(batch) = gathered {
                    *body = Body::Made(batch);
                    return Ok(true);
                }
                Ok(matches!(gathered, Gathering::Passes))
            }
            Self::Collect(collect) => {
                let all = collect.take(&context.label, body.value()?)?;
                *body = Body::Made(all);
                Ok(true)
            }
            Self::Stash(label) => {
                let value = body.value()?.clone();
                stashes.borrow_mut().put(&context.topic, label, value);
                Ok(true)
            }
        }
    }

    /// When what waits in it has to go.
    pub(super) fn due(&self) -> Option<Monotonic> {
        match self {
            Self::Burst(_, burst) => burst.due(),
            _ => None,
        }
    }

    /// What waited long enough.
    pub(super) fn ripe(&mut self, now: Monotonic) -> Option<Travelling> {
        let Self::Burst(_, burst) = self else {
            return None;
        };
        let (batch, context) = burst.ripe(now)?;
        Some(Travelling {
            body: Body::Made(batch),
            context,
        })
    }
}

fn parse(body: &mut Body, format: Format) -> Result<bool, Fault> {
    let value = match body {
        Body::Raw(bytes) | Body::Same(bytes, _) => bytes_in::read(bytes, format)?,
        Body::Made(value) => match value.as_str() {
            Some(text) => bytes_in::read(text.as_bytes(), format)?,
            None => return Err(Fault::Parse("a text or bytes are needed".into())),
        },
    };
    *body = Body::Made(value);
    Ok(true)
}

fn passes(result: Option<&JValue>) -> Result<bool, Fault> {
    match result {
        Some(JValue::Bool(passes)) => Ok(*passes),
        None => Ok(false),
        Some(_) => Err(Fault::Rule {
            rule: "filter",
            cause: "the result is neither true nor false; $boolean(…) makes it so".into(),
        }),
    }
}
