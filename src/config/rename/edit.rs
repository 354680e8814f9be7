//! The file with the new name: only the places that name it, and one more alias.

use std::ops::Range;

use super::{Bearing, Mention, RenamePlan, Renamed};
use crate::tree::{Data, Node};

/// How far behind its place a text may begin: quotes, `!ref`, `!`.
const OFFSET_MAX: usize = 8;

/// Where the section `aliases:` is, and how it is written.
#[derive(Clone, Debug, Default)]
pub(super) enum Section {
    /// There is none; it goes to the end.
    #[default]
    End,
    /// There is none; it goes before this line.
    Before(u32),
    /// Its first alias stands in this line and column, one a line.
    Block(u32, u32),
    /// It stands in braces, in this line.
    Braces(u32),
    /// Its key stands in this line, and nothing is in it.
    Empty(u32),
}

impl Section {
    pub(super) fn of(tree: &Node) -> Self {
        let key = |name: &str| tree.entries().iter().find(|entry| entry.key == name);
        let Some(aliases) = key("aliases") else {
            let resources = key("resources");
            return resources.map_or(Self::End, |entry| Self::Before(entry.key_span.line));
        };
        let line = aliases.key_span.line;
        match (&aliases.value.data, aliases.value.entries().first()) {
            (Data::Map(_), Some(first)) if first.key_span.line > line => {
                Self::Block(first.key_span.line, first.key_span.column)
            }
            (Data::Map(_), _) => Self::Braces(line),
            _ => Self::Empty(line),
        }
    }
}

/// Makes the text anew.
pub(super) fn edit(plan: &RenamePlan, text: &str, aliases: &Section) -> Result<Renamed, String> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let mut named: Vec<&Mention> = plan.mentions.iter().collect();
    named.retain(|mention| mention.bearing == Bearing::Names);
    // From the end, so that what stands before keeps its place.
    named.sort_by_key(|mention| std::cmp::Reverse((mention.line, mention.column)));
    for mention in named {
        replace(&mut lines, mention)?;
    }
    let put_in = add_alias(&mut lines, plan, aliases)?;
    let text = lines.concat();
    Ok(Renamed { text, put_in })
}

fn replace(lines: &mut [String], mention: &Mention) -> Result<(), String> {
    let Mention {
        line, key, text, ..
    } = mention;
    let fault = || format!("line {line}: {key} is not written as {text:?}; edit it by hand");
    let becomes = mention.becomes.as_deref().ok_or_else(fault)?;
    let content = lines.get_mut(*line as usize - 1).ok_or_else(fault)?;
    let column = mention.column as usize - 1;
    let begin = content
        .char_indices()
        .nth(column)
        .map(|(at, _)| at)
        .ok_or_else(fault)?;
    let offset = content[begin..].find(text.as_str());
    let offset = offset
        .filter(|offset| *offset <= OFFSET_MAX)
        .ok_or_else(fault)?;
    let at = begin + offset;
    content.replace_range(at..at + text.len(), becomes);
    Ok(())
}

fn add_alias(
    lines: &mut Vec<String>,
    plan: &RenamePlan,
    aliases: &Section,
) -> Result<Range<usize>, String> {
    let pair = format!("\"{}\": \"{}\"", plan.from, plan.to);
    let section = ["aliases:\n".to_owned(), format!("  {pair}\n")];
    let (at, new) = match aliases {
        Section::End => {
            if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
                last.push('\n');
            }
            (lines.len(), section.to_vec())
        }
        Section::Before(line) => (*line as usize - 1, section.to_vec()),
        Section::Block(line, column) => {
            let indent = " ".repeat(*column as usize - 1);
            (*line as usize - 1, vec![format!("{indent}{pair}\n")])
        }
        Section::Empty(line) => (*line as usize, vec![format!("  {pair}\n")]),
        Section::Braces(line) => {
            let content = lines.get_mut(*line as usize - 1);
            let place = content.and_then(|content| content.find('{').map(|at| (content, at)));
            let (content, at) = place.ok_or("put the alias in by hand: `aliases:` is in braces")?;
            let is_empty = content[at + 1..].trim_start().starts_with('}');
            let comma = if is_empty { " " } else { "," };
            content.insert_str(at + 1, &format!(" {pair}{comma}"));
            (lines.len(), Vec::new())
        }
    };
    let count = new.len();
    lines.splice(at..at, new);
    Ok(at..at + count)
}
