//! The page holds together and keeps its own policy.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

fn text(path: &str) -> &'static str {
    std::str::from_utf8(asset(path).unwrap().1).unwrap()
}

/// Files of the page with their texts.
fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    ASSETS.iter().map(|(path, ..)| (*path, text(path)))
}

/// What stands in quotes behind each `start`.
fn quoted<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    let rest = text.split(start).skip(1);
    rest.filter_map(|rest| {
        let quote = rest.chars().next().filter(|sign| "'\"".contains(*sign))?;
        rest[1..].split(quote).next()
    })
    .collect()
}

/// What a file asks for: scripts beside them, the page below `ui/`.
fn references(path: &str, text: &str) -> Vec<String> {
    if !path.ends_with(".js") {
        let wanted = ["src=", "href="].into_iter();
        let wanted = wanted.flat_map(|start| quoted(text, start));
        let served = |path: &str| path.strip_prefix("ui/").unwrap().to_owned();
        return wanted.map(served).collect();
    }
    let wanted = ["from ", "import(", "import "].into_iter();
    let wanted = wanted.flat_map(|start| quoted(text, start));
    let beside = |path: &str| path.strip_prefix("./").unwrap().to_owned();
    wanted.map(beside).collect()
}

/// What the policy forbids in a file: inline code and style, markup made from text, other places.
fn violations(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut forbid = |what: &str| {
        if text.to_lowercase().contains(what) {
            found.push(format!("{path}: {what}"));
        }
    };
    for anywhere in ["javascript:", "@import", "eval(", "new function("] {
        forbid(anywhere);
    }
    if path.ends_with(".js") {
        for markup in [
            "innerhtml",
            "outerhtml",
            "insertadjacenthtml",
            "document.write",
        ] {
            forbid(markup);
        }
        // A style attribute set from a script counts as inline; single properties do not.
        forbid("'style'");
    } else {
        for inline in [
            "<style", " style=", "<script>", "<iframe", "<object", "<base",
        ] {
            forbid(inline);
        }
    }
    let name_space = "http://www.w3.org/2000/svg";
    if text.replace(name_space, "").contains("://") || text.contains("\"//") {
        found.push(format!("{path}: an address elsewhere"));
    }
    found.extend(handlers(text).map(|handler| format!("{path}: {handler}")));
    found
}

/// Event handlers as attributes: ` onclick="…"`.
fn handlers(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().filter(|word| {
        let name = word.split_once("=\"").map(|(name, _)| name);
        name.is_some_and(|name| name.len() > 2 && name.starts_with("on"))
    })
}

#[test]
fn a_file_is_found_by_its_whole_name() {
    assert_eq!(asset("index.html").unwrap().0, "text/html; charset=utf-8");
    assert_eq!(asset("app.js").unwrap().0, "text/javascript; charset=utf-8");
    for nothing in ["", "app", "/app.js", "../lib.rs", "ui/app.js"] {
        assert!(asset(nothing).is_none(), "{nothing}");
    }
}

#[test]
fn everything_that_is_referenced_exists_and_everything_is_referenced() {
    let known: BTreeSet<String> = ASSETS.iter().map(|(path, ..)| (*path).to_owned()).collect();
    let mut wanted = BTreeSet::from(["index.html".to_owned()]);
    for (path, text) in files() {
        for reference in references(path, text) {
            assert!(known.contains(&reference), "{path} wants {reference}");
            wanted.insert(reference);
        }
    }
    assert_eq!(wanted, known);
}

#[test]
fn every_file_of_the_folder_is_embedded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let there = std::fs::read_dir(folder).unwrap();
    let there = there.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let embedded = ASSETS.iter().map(|(path, ..)| (*path).to_owned());
    assert_eq!(there.collect::<BTreeSet<_>>(), embedded.collect());
}

#[test]
fn every_element_that_a_script_wants_is_on_the_page() {
    let page = text("index.html");
    for (path, text) in files().filter(|(path, _)| path.ends_with(".js")) {
        for id in quoted(text, "byId(") {
            assert!(page.contains(&format!("id=\"{id}\"")), "{path} wants #{id}");
        }
    }
}

#[test]
fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
    let found: Vec<_> = files()
        .flat_map(|(path, text)| violations(path, text))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn what_the_policy_forbids_is_found() {
    let page = |text: &str| violations("a.html", text).len();
    let script = |text: &str| violations("a.js", text).len();
    assert_eq!(page("<p onclick=\"a()\">"), 1);
    assert_eq!(page("<p style=\"a\">"), 1);
    assert_eq!(page("<script>a()</script>"), 1);
    assert_eq!(page("<link href=\"https://elsewhere/a.css\">"), 1);
    assert_eq!(page("<p class=\"once\">"), 0);
    assert_eq!(script("a.innerHTML = b"), 1);
    assert_eq!(script("a.setAttribute('style', b)"), 1);
    assert_eq!(script("fetch('https://elsewhere')"), 1);
    assert_eq!(script("a.style.height = '1px'"), 0);
    assert_eq!(references("a.js", "import { a } from './b.js';"), ["b.js"]);
}

#[test]
fn the_policy_allows_no_inline_and_no_other_place() {
    assert!(CONTENT_SECURITY_POLICY.starts_with("default-src 'none'; "));
    assert!(!CONTENT_SECURITY_POLICY.contains("unsafe"));
    assert!(!CONTENT_SECURITY_POLICY.contains('*') && !CONTENT_SECURITY_POLICY.contains("http"));
}

#[test]
fn files_stay_small_and_say_what_they_are() {
    for (path, text) in files().filter(|(path, _)| path.ends_with(".js") || path.ends_with(".css"))
    {
        let lines = text.lines().count();
        assert!(lines <= 250, "{path}: {lines} lines; split it by concept");
        assert!(
            text.starts_with("/*"),
            "{path} does not begin with what it is for"
        );
    }
}
