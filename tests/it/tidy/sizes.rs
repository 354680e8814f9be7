//! Files stay small enough to be read whole, and say in their first line what they are.

use super::assert_kept;
use super::files::{self, SourceFile};

/// The most lines of production code in one file. Functions are clippy's `too_many_lines`.
const PRODUCTION_LINES_MAX: usize = 350;

/// Lines up to an inline test module, which stands at the end of its file.
fn production_lines(text: &str) -> usize {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let test_module = lines.windows(2).position(|pair| {
        pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
    });
    test_module.unwrap_or(lines.len())
}

fn too_long(files: &[SourceFile]) -> Vec<String> {
    let production = files
        .iter()
        .filter(|file| file.path.starts_with("src/") && !file.is_test());
    let counted = production.map(|file| (file, production_lines(&file.text)));
    let over = counted.filter(|(_, lines)| *lines > PRODUCTION_LINES_MAX);
    let say = |(file, lines): (&SourceFile, usize)| {
        format!("{}: {lines} lines; split it by concept", file.path)
    };
    over.map(say).collect()
}

/// Files that do not begin with what they are for: `//!` before the first item.
fn undescribed(files: &[SourceFile]) -> Vec<String> {
    let described = |file: &SourceFile| {
        let mut lines = file.text.lines().map(str::trim_start);
        lines.find(|line| !line.is_empty()).is_some_and(|line| {
            line.strip_prefix("//!")
                .is_some_and(|sentence| !sentence.trim().is_empty())
        })
    };
    let lacking = files.iter().filter(|file| !described(file));
    lacking
        .map(|file| format!("{}: its first line says nothing (`//! …`)", file.path))
        .collect()
}

#[test]
fn files_are_small() {
    assert_kept(
        "a file holds at most 350 production lines",
        &too_long(&files::rust()),
    );
}

#[test]
fn every_file_says_what_it_is() {
    assert_kept(
        "every file begins with a module doc",
        &undescribed(&files::rust()),
    );
}

#[test]
fn a_file_that_is_too_long_is_found() {
    let lines = |count: usize| "let a = 1;\n".repeat(count);
    let found = |path: &str, text: &str| too_long(&[SourceFile::imagined(path, text)]).len();
    assert_eq!(found("src/store/feed.rs", &lines(350)), 0);
    assert_eq!(found("src/store/feed.rs", &lines(351)), 1);
    assert_eq!(found("src/store/feed/tests.rs", &lines(351)), 0);
    assert_eq!(found("src/store/tests/feed.rs", &lines(351)), 0);
    let inline = format!(
        "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
        lines(350),
        lines(99)
    );
    assert_eq!(found("src/store/feed.rs", &inline), 0);
    let beside = format!("#[cfg(test)]\nmod tests;\n{}", lines(350));
    assert_eq!(found("src/store/feed.rs", &beside), 1);
}

#[test]
fn a_file_without_a_doc_is_found() {
    let found = |text: &str| undescribed(&[SourceFile::imagined("src/a.rs", text)]).len();
    assert_eq!(found("//! Names.\nuse a;\n"), 0);
    assert_eq!(found("use a;\n//! Names.\n"), 1);
    assert_eq!(found("//!\n"), 1);
    assert_eq!(found(""), 1);
}
