//! Expressions in JSONata, bounded in time, depth and length.

use std::cell::RefCell;
use std::rc::Rc;

use jsonata_core::ast::AstNode;
use jsonata_core::evaluator::{Context as Scope, Evaluator, EvaluatorOptions, HostFnResult};
use jsonata_core::parser;
use jsonata_core::value::JValue;

use super::memory::Stashes;
use super::message::Context;
use super::{Fault, guard};
use crate::limits::{EXPRESSION_TIME, SEQUENCE_MAX, STACK_LEVELS_MAX};

/// Checks that an expression can be read; says what is wrong with it.
pub fn check_expression(text: &str) -> Result<(), String> {
    parser::parse(text)
        .map(drop)
        .map_err(|error| error.display_message())
}

/// An expression, ready to be used many times.
pub(super) struct Expression {
    rule: &'static str,
    ast: AstNode,
}

impl Expression {
    pub(super) fn new(rule: &'static str, text: &str) -> Result<Self, Fault> {
        match parser::parse(text) {
            Ok(ast) => Ok(Self { rule, ast }),
            Err(error) => Err(Fault::Expression {
                rule,
                cause: error.display_message(),
            }),
        }
    }
}

/// Evaluates expressions of one way of a mapping. Not to be sent to another thread.
pub(super) struct Engine {
    stashes: Rc<RefCell<Stashes>>,
}

pub(super) fn options() -> EvaluatorOptions {
    EvaluatorOptions {
        timeout_ms: u64::try_from(EXPRESSION_TIME.as_millis()).ok(),
        cancel: None,
        max_stack_depth: Some(STACK_LEVELS_MAX),
        max_sequence_length: Some(SEQUENCE_MAX),
    }
}

impl Engine {
    pub(super) fn new(stashes: Rc<RefCell<Stashes>>) -> Self {
        Self { stashes }
    }

    /// The result of an expression; none where it has none.
    pub(super) fn evaluate(
        &self,
        expression: &Expression,
        value: &JValue,
        context: &Context,
    ) -> Result<Option<JValue>, Fault> {
        let mut scope = Scope::new();
        scope.bind("context".to_owned(), context.value());
        let mut evaluator = Evaluator::with_options(scope, options());
        let result = guard::install(&mut evaluator)
            .and_then(|()| evaluator.register_fn("last", self.last(&context.topic)))
            .and_then(|()| evaluator.evaluate(&expression.ast, value));
        let result = result.map_err(|error| Fault::Expression {
            rule: expression.rule,
            cause: error.message().to_owned(),
        })?;
        Ok((!result.is_undefined()).then(|| result.bare()))
    }

    /// `$last(label)`: what `stash` kept last, null before that.
    fn last(&self, topic: &str) -> impl Fn(&[JValue]) -> HostFnResult + 'static {
        let (stashes, topic) = (Rc::clone(&self.stashes), topic.to_owned());
        move |arguments: &[JValue]| {
            let label = arguments.first().and_then(JValue::as_str);
            let found = label.and_then(|label| stashes.borrow().last(&topic, label));
            Ok(found.unwrap_or(JValue::Null))
        }
    }
}
