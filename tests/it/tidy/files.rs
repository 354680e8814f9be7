//! What is in the repository: its files with their text, and its packages as cargo sees them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What was made from the repository, not what it is; `.gitignore` names most of it. In a worktree
/// `.git` is a file.
const NOT_OURS: &[&str] = &[".git", ".cache", "target", "__pycache__", "node_modules"];

/// A text file of the repository.
pub(super) struct SourceFile {
    /// Relative to the repository, with `/` between its parts.
    pub(super) path: String,
    pub(super) text: String,
}

impl SourceFile {
    /// A file that exists only in a test.
    pub(super) fn imagined(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    pub(super) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|found| found == extension)
    }

    /// Whether the file is a test beside the code: `tests.rs`, or below a folder `tests`.
    pub(super) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.split('/').any(|part| part == "tests")
    }
}

/// The folder of the workspace.
pub(super) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file of the repository, in the order of its path.
pub(super) fn all() -> Vec<SourceFile> {
    let mut files = Vec::new();
    collect(repository(), &mut files);
    files.sort_by(|left, right| left.path.cmp(&right.path));
    assert!(
        files.len() > 30,
        "only {} files found: the walk is broken",
        files.len()
    );
    files
}

/// The Rust files of the repository.
pub(super) fn rust() -> Vec<SourceFile> {
    all()
        .into_iter()
        .filter(|file| file.has_extension("rs"))
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let name = entry.file_name();
        // What is run by hand keeps its data in `/run`.
        let by_hand = folder == repository() && name == "run";
        if by_hand || NOT_OURS.iter().any(|other| name == *other) {
            continue;
        }
        if kind.is_dir() {
            collect(&path, files);
        } else if kind.is_file()
            && let Ok(text) = fs::read_to_string(&path)
        {
            files.push(SourceFile {
                path: relative(&path),
                text,
            });
        }
    }
}

/// A member of the workspace.
pub(super) struct Package {
    /// The folder, relative to the repository: `src/model`, and empty for the root package.
    pub(super) folder: String,
    pub(super) name: String,
    pub(super) dependencies: Vec<Dependency>,
}

/// One line of a package's manifest.
pub(super) struct Dependency {
    /// The package that it names, whatever it is called in the code.
    pub(super) package: String,
    /// Whether only tests see it.
    pub(super) only_tests: bool,
}

/// The members of the workspace, read by cargo itself from their manifests.
pub(super) fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version=1",
            "--offline",
            "--manifest-path",
        ])
        .arg(repository().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(package)
        .collect()
}

fn package(value: &Value) -> Package {
    let manifest = PathBuf::from(value["manifest_path"].as_str().unwrap());
    let dependency = |value: &Value| Dependency {
        package: value["name"].as_str().unwrap().to_owned(),
        only_tests: value["kind"] == "dev",
    };
    Package {
        folder: relative(manifest.parent().unwrap()),
        name: value["name"].as_str().unwrap().to_owned(),
        dependencies: value["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(dependency)
            .collect(),
    }
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(repository()).unwrap();
    path.to_str()
        .expect("a path of the repository is UTF-8")
        .to_owned()
}
