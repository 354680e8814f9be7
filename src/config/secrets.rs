//! Secret references: `${env:NAME}` and `${file:path}`.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::expand::substitute::{Piece, is_secret, pieces};
use crate::limits::SECRET_BYTES_MAX;
use crate::report::{Report, is_secret_key};
use crate::tree::{Data, Node, join};

/// Looks up a variable of the environment.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Replaces every reference by what it stands for, and marks the text as not to be shown.
pub(crate) fn resolve(
    node: &mut Node,
    pointer: &str,
    folder: &Path,
    environment: Environment<'_>,
    report: &mut Report,
) {
    match &mut node.data {
        Data::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                resolve(
                    item,
                    &join(pointer, &index.to_string()),
                    folder,
                    environment,
                    report,
                );
            }
        }
        Data::Map(entries) => {
            for entry in entries {
                let below = join(pointer, &entry.key);
                resolve(&mut entry.value, &below, folder, environment, report);
                if is_secret_key(&entry.key)
                    && let Some(text) = entry.value.text()
                {
                    report.hide(text);
                }
            }
        }
        Data::Text(text) if text.contains("${env:") || text.contains("${file:") => {
            node.secret = true;
            match whole(text, folder, environment) {
                Ok(resolved) => {
                    report.hide(&resolved);
                    *text = resolved;
                }
                Err((message, expected)) => report.at(node.span, pointer, message, expected),
            }
        }
        _ => {}
    }
}

fn whole(
    text: &str,
    folder: &Path,
    environment: Environment<'_>,
) -> Result<String, (String, &'static str)> {
    let mut whole = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => whole.push_str(text),
            Piece::Name(name) if is_secret(name) => {
                whole.push_str(&one(name, folder, environment)?);
            }
            Piece::Name(name) => {
                whole.push_str("${");
                whole.push_str(name);
                whole.push('}');
            }
        }
    }
    Ok(whole)
}

fn one(
    name: &str,
    folder: &Path,
    environment: Environment<'_>,
) -> Result<String, (String, &'static str)> {
    if let Some(variable) = name.strip_prefix("env:") {
        let expected = "a variable that is set where the node starts";
        let unset = || (format!("the environment has no `{variable}`"), expected);
        return environment(variable)
            .filter(|text| !text.is_empty())
            .ok_or_else(unset);
    }
    let path = name.trim_start_matches("file:");
    let expected = "a readable file with the secret in it; the path is relative to this file";
    let text = read(&folder.join(path)).map_err(|error| {
        (
            format!("the secret in `{path}` cannot be read: {error}"),
            expected,
        )
    })?;
    // An editor ends a file with a line break; no secret does.
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err((format!("`{path}` is empty"), expected));
    }
    Ok(text.to_owned())
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(SECRET_BYTES_MAX + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > SECRET_BYTES_MAX {
        return Err(std::io::Error::other(format!(
            "more than {SECRET_BYTES_MAX} bytes"
        )));
    }
    Ok(text)
}
