//! Rules of mappings and nodes: their expressions can be read.

use mainstem_mapping::check_expression;
use mainstem_service::{Rule, RuleSection};

use crate::load::Draft;
use crate::tree::join;

/// The rules below `rules`, each of which stands alone; none where something in them is wrong.
pub(super) fn read(
    draft: &mut Draft<'_>,
    sections: Vec<RuleSection>,
    pointer: &str,
) -> Option<Vec<Rule>> {
    let at = join(pointer, "rules");
    if draft.report.concerns(&at) {
        return None;
    }
    let rules: Vec<Rule> = sections
        .into_iter()
        .map(RuleSection::resolve)
        .collect::<Option<_>>()?;
    check(draft, &rules, &at);
    (!draft.report.concerns(&at)).then_some(rules)
}

/// Tells every expression that cannot be read.
pub(super) fn check(draft: &mut Draft<'_>, rules: &[Rule], at: &str) {
    for (index, rule) in rules.iter().enumerate() {
        let at = join(at, &index.to_string());
        for (below, text) in rule.expressions() {
            if let Err(error) = check_expression(text) {
                let message = format!("the expression cannot be read: {error}");
                let expected = "an expression in JSONata, such as `$.value * 2`";
                draft.problem(&format!("{at}{below}"), message, expected);
            }
        }
    }
}
