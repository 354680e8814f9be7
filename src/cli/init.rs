//! `mainstem init`: a node file to start from.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use mainstem_model::Name;

use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};

/// The commented file that a new node begins with: the one that the documentation shows.
const TEMPLATE: &str = include_str!("../../config/node.yaml");
/// The lines of it that are filled in.
const NAME_LINE: &str = "  name: line1\n";
const LISTEN_LINES: &str = "#listen:\n#  - address: 127.0.0.1:8443\n";
/// What the file is called in its folder.
const FILE_NAME: &str = "node.yaml";

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The folder for the node file; made if it is not there.
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
    /// The node's name, one word.
    #[arg(long, default_value = "line1", value_parser = node_name)]
    name: String,
    /// Where the node listens: IP address and port; 0.0.0.0 is all addresses.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
}

fn node_name(text: &str) -> Result<String, String> {
    let name = Name::local(text).map_err(|error| error.to_string())?;
    if text.contains('.') {
        return Err("a node's name is one word, without a dot".to_owned());
    }
    Ok(name.to_string())
}

pub(super) fn run(args: &InitArgs, screen: Screen) -> Result<Exit, Failure> {
    let path = args.folder.join(FILE_NAME);
    write_new(&path, &filled_in(&args.name, args.listen))?;
    let file = path.display();
    if screen.is_json() {
        screen.document(&serde_json::json!({"file": path, "name": args.name}))?;
        return Ok(Exit::Done);
    }
    screen.line(format!("Wrote {}", screen.paint(Tone::Strong, &file)))?;
    screen.line("")?;
    for (what, command) in [
        (
            "Describe what is connected: every option stands in the file.",
            format!("$EDITOR {file}"),
        ),
        (
            "See whether it is right; this connects to nothing.",
            format!("mainstem check -c {file}"),
        ),
        ("Run the node.", format!("mainstem run -c {file}")),
        (
            "From another terminal, see what it reads.",
            format!("mainstem points list -c {file}"),
        ),
    ] {
        screen.line(what)?;
        screen.line(format!("  {}", screen.paint(Tone::Good, command)))?;
    }
    Ok(Exit::Done)
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: &io::Error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            let message = format!(
                "{} is there already, and is not overwritten",
                path.display()
            );
            return Failure::new(Exit::Failure, message)
                .action("name another folder, or move the file away");
        }
        Failure::new(
            Exit::Failure,
            format!("cannot write {}: {error}", path.display()),
        )
        .action("see whether the folder is a folder and may be written by this user")
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    }
    let mut file = File::create_new(path).map_err(|error| failed(&error))?;
    file.write_all(text.as_bytes())
        .map_err(|error| failed(&error))
}

/// The template with the name and the address of this node.
fn filled_in(name: &str, listen: SocketAddr) -> String {
    TEMPLATE
        .replacen(NAME_LINE, &format!("  name: {name}\n"), 1)
        .replacen(
            LISTEN_LINES,
            &format!("listen:\n  - address: \"{listen}\"\n"),
            1,
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_right_and_says_what_was_asked() {
        let folder = tempfile::tempdir().unwrap();
        for (name, listen) in [("press_7", "127.0.0.1:8443"), ("a", "[::]:443")] {
            let listen: SocketAddr = listen.parse().unwrap();
            let path = folder.path().join(name).join(FILE_NAME);
            write_new(&path, &filled_in(name, listen)).unwrap();
            let config = mainstem_config::load(&path, crate::app::kinds())
                .unwrap_or_else(|problems| panic!("{problems}"));
            assert_eq!(config.node.name.as_str(), name);
            assert_eq!(config.listen.len(), 1);
            assert_eq!(config.listen[0].address, listen);
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        fs::write(&path, "mine").unwrap();
        let failure = write_new(&path, "yours").unwrap_err();
        assert!(failure.message.contains("not overwritten"), "{failure:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn names_are_one_word() {
        assert_eq!(node_name("line1"), Ok("line1".into()));
        for bad in ["", "a.b", "a b", "a*"] {
            assert!(node_name(bad).is_err(), "{bad}");
        }
    }
}
