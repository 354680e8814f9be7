//! Documents name only commands that exist.
//!
//! A block fenced as `console` holds what somebody types, after `$ `, and what is answered.

use super::assert_kept;
use super::files::{self, SourceFile};
use crate::skipped::skipped;

/// Where each subcommand of the program has a file of its name.
const SUBCOMMANDS: &str = "src/cli";

/// A command that a document tells its reader to type.
#[derive(Debug, PartialEq)]
struct Typed {
    line: usize,
    command: String,
}

/// All commands of the `console` blocks of a document; a line that ends in `\` goes on.
fn typed(text: &str) -> Vec<Typed> {
    let mut commands: Vec<Typed> = Vec::new();
    let (mut inside, mut goes_on) = (false, false);
    for (number, line) in text.lines().map(str::trim).enumerate() {
        if let Some(kind) = line.strip_prefix("```") {
            (inside, goes_on) = (kind == "console", false);
            continue;
        }
        let (part, ended) = match line.strip_suffix('\\') {
            Some(part) => (part, false),
            None => (line, true),
        };
        if let (true, Some(last)) = (goes_on, commands.last_mut()) {
            last.command.push_str(part);
        } else if let (true, Some(first)) = (inside, part.strip_prefix("$ ")) {
            commands.push(Typed {
                line: number + 1,
                command: first.to_owned(),
            });
        } else {
            continue;
        }
        goes_on = !ended;
    }
    commands
}

/// The subcommand of this program that a command calls, by its name or through `cargo run`.
fn subcommand(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace();
    let first = words.find(|word| !word.contains('=') && *word != "sudo")?;
    if first == "cargo" {
        if words.next() != Some("run") {
            return None;
        }
        words.find(|word| *word == "--")?;
    } else if first.rsplit('/').next() != Some("mainstem") {
        return None;
    }
    words.find(|word| !word.starts_with('-'))
}

fn unknown_subcommands(files: &[SourceFile], exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.has_extension("md")) {
        for Typed { line, command } in typed(&file.text) {
            if let Some(name) = subcommand(&command).filter(|name| !exists(name)) {
                found.push(format!(
                    "{}:{line}: `{name}` has no {SUBCOMMANDS}/{name}.rs",
                    file.path
                ));
            }
        }
    }
    found
}

#[test]
fn documents_name_commands_that_exist() {
    let folder = files::repository().join(SUBCOMMANDS);
    if !folder.exists() {
        return skipped("commands in the documents", "src/cli does not exist yet");
    }
    let exists = |name: &str| folder.join(format!("{name}.rs")).exists();
    assert_kept(
        "commands in the documents",
        &unknown_subcommands(&files::all(), &exists),
    );
}

#[test]
fn the_readme_shows_how_to_start() {
    let Ok(readme) = std::fs::read_to_string(files::repository().join("README.md")) else {
        return skipped("commands in README.md", "README.md does not exist yet");
    };
    let commands = typed(&readme);
    for needed in ["cargo run --release -- demo", "tests/run"] {
        let shown = commands
            .iter()
            .any(|typed| typed.command.starts_with(needed));
        assert!(
            shown,
            "README.md shows no `$ {needed}` in a ```console block"
        );
    }
}

#[test]
fn typed_commands_are_found() {
    let text = "```console\n$ mainstem points \\\n    list\nline1.a\n```\n$ mainstem no\n\
                ```sh\n$ mainstem neither\n```\n";
    let expected = Typed {
        line: 2,
        command: "mainstem points list".to_owned(),
    };
    assert_eq!(typed(text), [expected]);
}

#[test]
fn an_unknown_subcommand_is_found() {
    assert_eq!(
        subcommand("cargo run --release -- demo --json"),
        Some("demo")
    );
    assert_eq!(
        subcommand("target/release/mainstem --verbose check -c a"),
        Some("check")
    );
    assert_eq!(subcommand("sudo mainstem run"), Some("run"));
    assert_eq!(subcommand("RUST_LOG=debug mainstem run"), Some("run"));
    assert_eq!(subcommand("cargo test"), None);
    assert_eq!(subcommand("mainstem --version"), None);
    assert_eq!(subcommand("curl https://localhost/mainstem run"), None);
    let document = SourceFile::imagined("README.md", "```console\n$ mainstem demmo\n```\n");
    assert_eq!(
        unknown_subcommands(&[document], &|name| name == "demo").len(),
        1
    );
}
