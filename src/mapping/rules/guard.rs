//! Functions of JSONata that make a large text of a small one in one step, where no limit of the
//! engine is looked at: they get limits of their own.

use jsonata_core::ast::AstNode;
use jsonata_core::evaluator::{Context, Evaluator, EvaluatorError};
use jsonata_core::parser;
use jsonata_core::value::JValue;

use super::expression::options;
use super::message::object_of;
use crate::limits::{FORMAT_INTEGER_MAX, PAD_CHARS_MAX};

thread_local! {
    static PAD: Option<AstNode> = parser::parse("$pad(a, b, c)").ok();
    static FORMAT_INTEGER: Option<AstNode> = parser::parse("$formatInteger(a, b)").ok();
}

/// Replaces the functions in an evaluator.
pub(super) fn install(evaluator: &mut Evaluator) -> Result<(), EvaluatorError> {
    evaluator.register_fn_override("pad", pad)?;
    evaluator.register_fn_override("formatInteger", format_integer)
}

fn pad(arguments: &[JValue]) -> Result<JValue, EvaluatorError> {
    let width = arguments.get(1).and_then(JValue::as_f64);
    match width {
        Some(width) if width.abs() > PAD_CHARS_MAX => Err(refused(&format!(
            "$pad makes at most {PAD_CHARS_MAX} characters"
        ))),
        // The engine hands no context to a function that was replaced.
        None if arguments.len() < 2 => Err(refused("$pad needs a text and a width: $pad($, 8)")),
        _ => PAD.with(|ast| own(ast.as_ref(), arguments)),
    }
}

fn format_integer(arguments: &[JValue]) -> Result<JValue, EvaluatorError> {
    let number = arguments.first().and_then(JValue::as_f64);
    let picture = arguments.get(1).and_then(JValue::as_str);
    let Some(picture) = picture else {
        return Err(refused(
            "$formatInteger needs a number and a picture: $formatInteger($, \"0\")",
        ));
    };
    let digits = picture.contains(['0', '#']);
    match number {
        Some(number) if !digits && number.abs() > FORMAT_INTEGER_MAX => Err(refused(&format!(
            "$formatInteger makes words and Roman numerals of numbers up to {FORMAT_INTEGER_MAX}"
        ))),
        _ => FORMAT_INTEGER.with(|ast| own(ast.as_ref(), arguments)),
    }
}

/// The engine's own function.
fn own(ast: Option<&AstNode>, arguments: &[JValue]) -> Result<JValue, EvaluatorError> {
    let ast = ast.ok_or_else(|| refused("the function cannot be read"))?;
    let names = ["a", "b", "c"].map(str::to_owned).into_iter();
    let given = names.zip(arguments.iter().cloned());
    let given = object_of(given.filter(|(_, value)| !value.is_undefined()));
    Evaluator::with_options(Context::new(), options()).evaluate(ast, &given)
}

fn refused(why: &str) -> EvaluatorError {
    EvaluatorError::EvaluationError(why.to_owned())
}
