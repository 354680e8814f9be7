//! docs/DEVICES.md: what stands between its marks is made of the kinds' own schemas.
//!
//! `MAINSTEM_BLESS=1` writes it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use mainstem::app::kinds;
use mainstem_adapter::{Kind, OptionRow, option_rows};

const BLESS: &str = "MAINSTEM_BLESS";
const DOCUMENT: &str = "docs/DEVICES.md";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The kinds as a table: what each is, its page and its manual.
fn overview() -> String {
    let mut text = String::from(
        "| `protocol:` | what it is | first steps | manual |\n| --- | --- | --- | --- |\n",
    );
    for kind in kinds() {
        let name = kind.name.to_lowercase();
        let page = format!("devices/{name}.md");
        let page = match root().join("docs").join(&page).exists() {
            true => format!("[{name}]({page})"),
            false => String::new(),
        };
        writeln!(
            text,
            "| `{}` | {} | {page} | [README](../src/adapter/{name}/README.md) |",
            kind.name, kind.summary
        )
        .unwrap();
    }
    text
}

fn table(text: &mut String, what: &str, rows: &[OptionRow]) {
    if rows.is_empty() {
        return;
    }
    writeln!(
        text,
        "\n{what}\n\n| option | values | default | meaning |\n| --- | --- | --- | --- |"
    )
    .unwrap();
    for row in rows {
        let cell = |part: &str| part.replace('|', "\\|");
        let range = match (row.values.is_empty(), row.range.is_empty()) {
            (_, true) => row.values.clone(),
            (true, false) => row.range.clone(),
            (false, false) => format!("{}, {}", row.values, row.range),
        };
        let default = match (row.required, row.default.is_empty()) {
            (true, _) => "required".to_owned(),
            (false, true) => String::new(),
            (false, false) => format!("`{}`", row.default),
        };
        writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            row.name,
            cell(&range),
            cell(&default),
            cell(&row.meaning)
        )
        .unwrap();
    }
}

/// The options of all kinds.
fn options() -> String {
    let mut text = String::new();
    for Kind {
        name,
        summary,
        connection_schema,
        endpoint_schema,
        ..
    } in kinds()
    {
        writeln!(text, "\n### {name}\n\n{summary}").unwrap();
        table(
            &mut text,
            "`connection:`",
            &option_rows(&connection_schema()),
        );
        table(
            &mut text,
            "`subscribe:`, `read:` or `write:` of an endpoint",
            &option_rows(&endpoint_schema()),
        );
    }
    text
}

/// The document with what stands between `<!-- name -->` and `<!-- end -->` made anew.
fn made(document: &str, name: &str, part: &str) -> String {
    let mark = format!("<!-- {name} -->\n");
    let (before, rest) = document
        .split_once(&mark)
        .expect("the document has its marks");
    let (_, after) = rest.split_once("<!-- end -->").expect("the part ends");
    format!("{before}{mark}\n{}\n\n<!-- end -->{after}", part.trim())
}

#[test]
fn the_document_says_what_the_schemas_say() {
    let path: PathBuf = root().join(DOCUMENT);
    let document = std::fs::read_to_string(&path).unwrap();
    let wanted = made(
        &made(&document, "kinds", &overview()),
        "options",
        &options(),
    );
    if document == wanted {
        return;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no configuration but this"
    )]
    let is_blessed = std::env::var_os(BLESS).is_some();
    assert!(
        is_blessed,
        "{DOCUMENT} is not what the schemas of the kinds say; with {BLESS}=1 this test writes it"
    );
    std::fs::write(path, wanted).unwrap();
}

#[test]
fn every_protocol_has_its_manual_and_its_sample() {
    for kind in kinds() {
        let folder = root().join("src/adapter").join(kind.name.to_lowercase());
        for file in ["README.md", "sample.yaml"] {
            assert!(
                folder.join(file).exists(),
                "{}: {file} is missing",
                kind.name
            );
        }
    }
}

#[test]
fn what_is_called_native_is_there() {
    let document = std::fs::read_to_string(root().join(DOCUMENT)).unwrap();
    let told = document.split("native: `").skip(1);
    let told: Vec<&str> = told.filter_map(|rest| rest.split('`').next()).collect();
    assert!(!told.is_empty(), "the table of protocols is there");
    for name in told {
        let is_there = kinds()
            .iter()
            .any(|kind| kind.name.eq_ignore_ascii_case(name));
        assert!(
            is_there,
            "{name} is called native, and there is no such kind"
        );
    }
}
