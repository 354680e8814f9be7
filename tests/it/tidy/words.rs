//! Names that hide what is behind them, and words that do not belong into the repository.

use super::assert_kept;
use super::files::{self, SourceFile};

/// A module's name says what is in it. None of these does; the last ones mean opposite things to
/// different trades.
const MODULE_NAMES_FORBIDDEN: &[&str] = &[
    "util",
    "utils",
    "common",
    "helper",
    "helpers",
    "misc",
    "manager",
    "types",
    "prelude",
    "core",
    "base",
    "master",
    "slave",
    "upstream",
    "downstream",
];

/// Written in two halves, so that this file does not break its own law.
const WORDS_FORBIDDEN: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// Modules by file, by folder and by an inline `mod`, with a name that says nothing.
fn nameless_modules(files: &[SourceFile]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.has_extension("rs")) {
        let parts = file
            .path
            .split('/')
            .map(|part| part.strip_suffix(".rs").unwrap_or(part));
        let declared = file.text.lines().filter_map(declared_module);
        for name in parts.chain(declared) {
            if MODULE_NAMES_FORBIDDEN.contains(&name) {
                found.push(format!(
                    "{}: `{name}` says nothing; name the concept",
                    file.path
                ));
            }
        }
        if file.path.ends_with("/mod.rs") {
            found.push(format!("{}: use a file beside the folder", file.path));
        }
    }
    found.dedup();
    found
}

fn declared_module(line: &str) -> Option<&str> {
    let mut words = line
        .split_whitespace()
        .skip_while(|word| word.starts_with("pub"));
    if words.next()? != "mod" {
        return None;
    }
    words.next().map(|name| name.trim_end_matches([';', '{']))
}

/// Places of forbidden words. A word stands alone: `mktemp` may have its row of crosses.
fn forbidden_words(files: &[SourceFile]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            for word in WORDS_FORBIDDEN
                .iter()
                .filter(|word| stands_alone(line, word))
            {
                found.push(format!("{}:{}: {word}", file.path, number + 1));
            }
        }
    }
    found
}

fn stands_alone(line: &str, word: &str) -> bool {
    let part_of_word = |other: Option<char>| other.is_some_and(char::is_alphanumeric);
    // What is itself a path has its own borders.
    let path = word.starts_with('/');
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        path || !(part_of_word(before.chars().next_back()) || part_of_word(after.chars().next()))
    })
}

#[test]
fn module_names_say_what_is_inside() {
    assert_kept("module names", &nameless_modules(&files::rust()));
}

#[test]
fn nothing_is_left_for_later_and_no_path_of_a_machine_is_named() {
    assert_kept("forbidden words", &forbidden_words(&files::all()));
}

#[test]
fn a_module_without_a_name_is_found() {
    let found =
        |path: &str, text: &str| nameless_modules(&[SourceFile::imagined(path, text)]).len();
    assert_eq!(found("src/store/utils.rs", ""), 1);
    assert_eq!(found("src/common/lib.rs", ""), 1);
    assert_eq!(found("src/store/feed/mod.rs", ""), 1);
    assert_eq!(found("src/store/feed.rs", "pub(crate) mod helpers {\n"), 1);
    assert_eq!(found("src/store/feed.rs", "mod types;\n"), 1);
    assert_eq!(
        found(
            "src/store/feed.rs",
            "use core::fmt;\nmod cursor;\n// mod, manager\n"
        ),
        0
    );
}

#[test]
fn a_forbidden_word_is_found() {
    let found = |text: &str| forbidden_words(&[SourceFile::imagined("a.md", text)]).len();
    let [path, later, ..] = WORDS_FORBIDDEN else {
        panic!("the list is empty")
    };
    assert_eq!(found(&format!("see {path}a\n")), 1);
    assert_eq!(found(&format!("// {later}: finish\n")), 1);
    assert_eq!(found(&format!("// a{later}\n")), 0);
    assert_eq!(found("networks and framework/paths\n"), 0);
}
