//! What a node file says about a name, and the file with another name in its place.

mod edit;
mod find;

use std::ops::Range;
use std::path::{Path, PathBuf};

use mainstem_model::Name;
use serde::Serialize;

use crate::load::read;
use crate::parse::parse;
use crate::problem::Problems;
use crate::report::Report;

/// How a place in the file has to do with the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearing {
    /// It names it, or something below it.
    Names,
    /// A pattern with a wildcard that fits the old name and the new one.
    StillFits,
    /// A pattern with a wildcard that fits the old name only; the alias keeps it in force.
    NoLongerFits,
    /// A pattern that fits the new name only: the rename would widen or narrow what it is about.
    BeginsToFit,
}

/// A place in the node file that has to do with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mention {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The path of the key, such as `roles.operator.write[0]`.
    pub key: String,
    /// What stands there: a role, a policy, a remote entry, an adapter and so on.
    pub what: &'static str,
    /// The text.
    pub text: String,
    /// How it has to do with the name.
    pub bearing: Bearing,
    /// What would stand there instead, for a place that names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub becomes: Option<String>,
    /// Whether it would allow something that was not allowed under the old name.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub widens: bool,
}

/// A node file with a new name in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// The text.
    pub text: String,
    /// Its lines, from 0, that were not there before; the others were there, as many and in order.
    pub put_in: Range<usize>,
}

/// What a rename touches.
#[derive(Clone, Debug, Serialize)]
pub struct RenamePlan {
    /// The node file.
    pub file: PathBuf,
    /// The old name.
    pub from: Name,
    /// The new name.
    pub to: Name,
    /// The places, in the order of the file.
    pub mentions: Vec<Mention>,
    /// Tokens with which other nodes read this one: what names it there is not in this file.
    pub readers: Vec<String>,
    /// Why the file cannot be edited by the program, if it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_hand: Option<String>,
    #[serde(skip)]
    text: String,
    #[serde(skip)]
    aliases: edit::Section,
}

impl RenamePlan {
    /// Looks through a node file. Nothing is changed.
    pub fn of(path: &Path, from: &Name, to: &Name) -> Result<Self, Problems> {
        let text = read(path).unwrap_or_default();
        let mut report = Report::new(path, &text);
        let tree = parse(&text, &mut report);
        let Some(tree) = tree.filter(|_| report.is_empty()) else {
            return Err(report.finish().unwrap_or_default());
        };
        let found = find::find(&tree, from, to);
        let mut mentions = found.mentions;
        mentions.sort_by_key(|mention| (mention.line, mention.column));
        Ok(Self {
            file: path.to_owned(),
            from: from.clone(),
            to: to.clone(),
            by_hand: found.by_hand,
            readers: found.readers,
            mentions,
            aliases: edit::Section::of(&tree),
            text,
        })
    }

    /// Whether the rename would allow something that is not allowed now.
    pub fn widens(&self) -> bool {
        self.mentions.iter().any(|mention| mention.widens)
    }

    /// The text of the file with the new name and the alias; comments and layout stay.
    pub fn renamed(&self) -> Result<Renamed, String> {
        match &self.by_hand {
            Some(why) => Err(why.clone()),
            None => edit::edit(self, &self.text, &self.aliases),
        }
    }

    /// The text of the file as it is.
    pub fn text(&self) -> &str {
        &self.text
    }
}
