//! What is wrong with a file, for people and for programs.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// One thing that is wrong, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// The path of the key, such as `listen[0].address`; empty for the file as a whole.
    pub key: String,
    /// What was found.
    pub message: String,
    /// What was expected.
    pub expected: String,
    /// The nearest valid name, where something valid is near.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// The line itself, its secrets replaced.
    #[serde(skip)]
    pub(crate) source: String,
    /// How many characters are meant.
    #[serde(skip)]
    pub(crate) length: u32,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(
            f,
            "{margin}--> {}:{}:{}",
            self.file.display(),
            self.line,
            self.column
        )?;
        if !self.source.is_empty() {
            let column = self.column.saturating_sub(1) as usize;
            // Tabs stay tabs, so that the caret stands below what it points to.
            let indent: String = self
                .source
                .chars()
                .take(column)
                .map(|c| if c == '\t' { c } else { ' ' })
                .collect();
            let rest = self.source.chars().count().saturating_sub(column).max(1);
            let carets = "^".repeat((self.length as usize).clamp(1, rest));
            writeln!(f, "{margin} |")?;
            writeln!(f, "{number} | {}", self.source)?;
            writeln!(f, "{margin} | {indent}{carets}")?;
        }
        if !self.key.is_empty() {
            writeln!(f, "{margin} = key: {}", self.key)?;
        }
        if !self.expected.is_empty() {
            writeln!(f, "{margin} = expected: {}", self.expected)?;
        }
        if let Some(nearest) = &self.nearest {
            writeln!(f, "{margin} = did you mean: {nearest}")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a configuration, in the order of the file. Never empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Problems {
    /// The problems.
    pub problems: Vec<Problem>,
    /// How many more there are than are listed.
    pub left_out: usize,
}

impl Problems {
    /// One JSON document: `{"problems":[…],"left_out":0}`.
    pub fn to_json(&self) -> serde_json::Value {
        // Only a path that is no Unicode cannot be serialised.
        serde_json::to_value(self).unwrap_or_else(|error| {
            serde_json::json!({"problems": [], "left_out": self.problems.len(),
                "error": error.to_string()})
        })
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        let count = self.problems.len() + self.left_out;
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(f, "{count} {noun}")?;
        if self.left_out > 0 {
            write!(f, ", {} of them not shown", self.left_out)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
