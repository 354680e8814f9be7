//! `mainstem rename`: a new name for a datapoint, an adapter or a remote; the old one stays as an
//! alias. `--plan` only tells what names it.

use std::path::{Path, PathBuf};

use clap::Args;
use mainstem_config::{Bearing, Mention, Problems, RenamePlan, Renamed};
use mainstem_model::Name;

use super::connection::meant_node_file;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

#[derive(Debug, Args)]
pub(super) struct RenameArgs {
    /// The name as it is: a datapoint, an adapter, or a remote's prefix.
    #[arg(value_name = "OLD", value_parser = name)]
    old: Name,
    /// The name that it is to have.
    #[arg(value_name = "NEW", value_parser = name)]
    new: Name,
    /// Tell every place of the node file that names it; change nothing.
    #[arg(long)]
    plan: bool,
    /// Rename even if that lets somebody read or write what he could not before.
    #[arg(long)]
    widen: bool,
    /// The node file. By default ./node.yaml, ./config/node.yaml or /etc/mainstem/node.yaml,
    /// whichever exists first.
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    config: Option<PathBuf>,
}

fn name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

pub(super) fn run(args: &RenameArgs, screen: Screen) -> Result<Exit, Failure> {
    let file = meant_node_file(args.config.as_deref());
    if let Err(problems) = mainstem_config::load(&file, crate::app::kinds()) {
        return show_problems(&problems, screen);
    }
    let plan = match RenamePlan::of(&file, &args.old, &args.new) {
        Ok(plan) => plan,
        Err(problems) => return show_problems(&problems, screen),
    };
    if args.plan {
        return show(&plan, screen);
    }
    if plan.widens() && !args.widen {
        let message = "the rename would let somebody read or write what he may not now";
        let action = "look at `rename --plan`; then change those patterns, or say `--widen`";
        return Err(Failure::new(Exit::Refused, message).action(action));
    }
    let renamed = plan
        .renamed()
        .map_err(|why| Failure::new(Exit::Refused, why))?;
    // Beside the file, so that its relative paths mean the same.
    let draft = file.with_extension("yaml.renamed");
    write(&draft, &renamed.text)?;
    let checked = mainstem_config::load(&draft, crate::app::kinds());
    std::fs::remove_file(&draft)?;
    if let Err(problems) = checked {
        show_problems(&problems, screen)?;
        let message = "the renamed file would have these problems; nothing was changed";
        return Err(Failure::new(Exit::Configuration, message));
    }
    write(&file, &renamed.text)?;
    if screen.is_json() {
        screen.document(&plan)?;
        return Ok(Exit::Done);
    }
    for line in difference(plan.text(), &renamed) {
        screen.line(line)?;
    }
    screen.line(format!(
        "{} is {} now, and an alias leads there from the old name. SIGHUP applies it.",
        plan.from, plan.to
    ))?;
    tell_readers(&plan, screen)?;
    Ok(Exit::Done)
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let known = std::fs::metadata(file).map(|known| known.permissions().mode() & 0o777);
    // A node file may hold secrets: a new one is for its owner only.
    mainstem_journal::atomic_write(file, text.as_bytes(), known.unwrap_or(0o600))?;
    Ok(())
}

fn show_problems(problems: &Problems, screen: Screen) -> Result<Exit, Failure> {
    if screen.is_json() {
        screen.document(&problems.to_json())?;
    } else {
        screen.line(problems)?;
    }
    Ok(Exit::Configuration)
}

fn show(plan: &RenamePlan, screen: Screen) -> Result<Exit, Failure> {
    if screen.is_json() {
        screen.document(plan)?;
        return Ok(Exit::Done);
    }
    let parts = [
        (Bearing::Names, "These places name it and would be changed:"),
        (Bearing::StillFits, "These patterns fit both names:"),
        (
            Bearing::NoLongerFits,
            "These fit the old name only; they hold as long as the alias stands:",
        ),
        (Bearing::BeginsToFit, "These fit the new name only:"),
    ];
    for (bearing, heading) in parts {
        let mut of = plan
            .mentions
            .iter()
            .filter(|mention| mention.bearing == bearing)
            .peekable();
        if of.peek().is_some() {
            screen.line(screen.paint(Tone::Strong, heading))?;
        }
        for mention in of {
            screen.line(line(plan, mention, screen))?;
        }
    }
    match &plan.by_hand {
        Some(why) => screen.line(format!(
            "{} {why}.",
            screen.paint(Tone::Warning, "By hand:")
        ))?,
        None => screen.line(format!(
            "An alias would lead from {} to {}.",
            plan.from, plan.to
        ))?,
    }
    tell_readers(plan, screen)?;
    Ok(Exit::Done)
}

/// `  node.yaml:12:14  role  roles.operator.write[0]  "plc.**" → "press.**"`.
fn line(plan: &RenamePlan, mention: &Mention, screen: Screen) -> String {
    let Mention {
        line,
        column,
        key,
        what,
        ..
    } = mention;
    let place = format!("{}:{line}:{column}", plan.file.display());
    let becomes = mention
        .becomes
        .as_ref()
        .map(|new| format!(" → {:?}", text::harmless(new)));
    let widens = match mention.widens {
        true => format!("  {}", screen.paint(Tone::Warning, "allows more than now")),
        false => String::new(),
    };
    let old = text::harmless(&mention.text);
    format!(
        "  {place}  {what}  {key}  {old:?}{}{widens}",
        becomes.unwrap_or_default()
    )
}

fn tell_readers(plan: &RenamePlan, screen: Screen) -> Result<(), Failure> {
    let readers = match plan.readers.as_slice() {
        [] => "no token of this file is for one, tokens made at run time may be".to_owned(),
        names => format!("those with the tokens {}", names.join(", ")),
    };
    screen.line(format!(
        "Other nodes that read this one may name it too, with their prefix before it: {readers}. \
         `mainstem aliases list` there shows whether the old name is still needed."
    ))?;
    Ok(())
}

/// The lines that differ.
fn difference(old: &str, renamed: &Renamed) -> Vec<String> {
    let mut lines = Vec::new();
    let mut old = old.lines();
    for (index, line) in renamed.text.lines().enumerate() {
        let is_new = renamed.put_in.contains(&index);
        let before = if is_new { None } else { old.next() };
        if before == Some(line) {
            continue;
        }
        lines.extend(before.map(|before| format!("- {before}")));
        lines.push(format!("+ {line}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_changed() {
        let old = "a: 1\nb: plc\nc: 3\n";
        let renamed = |text: &str, put_in| Renamed {
            text: text.to_owned(),
            put_in,
        };
        let new = renamed("a: 1\nb: press\naliases:\n  x: y\nc: 3\n", 2..4);
        let expected = ["- b: plc", "+ b: press", "+ aliases:", "+   x: y"];
        assert_eq!(difference(old, &new), expected);
        assert!(difference(old, &renamed(old, 0..0)).is_empty());
    }
}
