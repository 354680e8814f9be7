//! Options of an endpoint that are right one by one and make no sense together. They are looked at
//! in the file's own values, so that another mistake in the same endpoint hides nothing.

use mainstem_model::quantity;
use serde_json::Value;

use super::read_interval;
use crate::load::Draft;
use crate::tree::join;

/// Reports what does not go together. `word` is the operation's.
pub(super) fn check(draft: &mut Draft<'_>, properties: &Value, word: &str, pointer: &str) {
    access(draft, properties, word, pointer);
    range(draft, properties, pointer);
    supervision(draft, properties, word, pointer);
}

fn access(draft: &mut Draft<'_>, properties: &Value, word: &str, pointer: &str) {
    let own = if word == "write" { "w" } else { "r" };
    if let Some(given @ ("r" | "w")) = properties.get("access").and_then(Value::as_str)
        && given != own
    {
        let message = format!("`access: {given}` beside `{word}`");
        draft.problem(
            &join(pointer, "access"),
            message,
            format!("`{own}` or `rw`"),
        );
    }
}

fn range(draft: &mut Draft<'_>, properties: &Value, pointer: &str) {
    let number = |map: &str, key: &str| properties.get(map)?.get(key)?.as_f64();
    if let (Some(min), Some(max)) = (number("limits", "min"), number("limits", "max"))
        && min > max
    {
        let message = format!("`min` {min} is above `max` {max}");
        draft.problem(&join(pointer, "limits"), message, "`min` not above `max`");
    }
    if number("scaling", "factor") == Some(0.0) {
        let at = join(&join(pointer, "scaling"), "factor");
        draft.problem(
            &at,
            "a factor of 0 makes every value the same",
            "any other number",
        );
    }
}

fn supervision(draft: &mut Draft<'_>, properties: &Value, word: &str, pointer: &str) {
    let interval = properties
        .get(word)
        .and_then(|operation| operation.get("interval"));
    let Some(interval) = interval.and_then(read_interval) else {
        return;
    };
    for key in ["stale_after", "life"] {
        let given = properties
            .get(key)
            .and_then(Value::as_str)
            .map(quantity::parse_duration);
        if let Some(Ok(given)) = given
            && given <= interval
        {
            let message = format!("`{key}` is over before the next poll");
            let expected = "longer than `interval`; three times as long is usual";
            draft.problem(&join(pointer, key), message, expected);
        }
    }
}
