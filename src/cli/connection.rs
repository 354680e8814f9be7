//! Which node a command speaks to, and as whom.

use std::path::{Path, PathBuf};

use clap::Args;
use hyper::Uri;
use mainstem_security::{Pin, Trust};

use super::exit::{Exit, Failure};

/// Where a node file is looked for if none is named.
const NODE_FILES: [&str; 3] = ["node.yaml", "config/node.yaml", "/etc/mainstem/node.yaml"];
/// The socket of a node whose file says nothing about it, beside the file.
const SOCKET_BESIDE: &str = "data/mainstem.sock";
/// Bytes of a token file.
const TOKEN_BYTES_MAX: u64 = 4096;

/// The node to speak to: by default the one on this machine, through its Unix socket.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Which node")]
pub(crate) struct ConnectionArgs {
    /// The node file of the local node, whose Unix socket is used. By default ./node.yaml,
    /// ./config/node.yaml or /etc/mainstem/node.yaml, whichever exists first.
    #[arg(short = 'c', long = "config", value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// The Unix socket of a local node.
    #[arg(long, value_name = "PATH", global = true, conflicts_with = "url")]
    pub(crate) socket: Option<PathBuf>,
    /// The address of a node, such as https://10.0.0.11:8443; needs a token, and --ca or --pin.
    #[arg(long, value_name = "URL", global = true, conflicts_with = "config")]
    pub(crate) url: Option<String>,
    /// The token to show.
    #[arg(
        long,
        value_name = "TOKEN",
        global = true,
        env = "MAINSTEM_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
    /// A file with the token to show.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) token_file: Option<PathBuf>,
    /// The certificate (PEM) of whoever vouches for the node: ca.pem of its data folder.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) ca: Option<PathBuf>,
    /// The fingerprint of the node's key, sha256:… as `mainstem run` logs it.
    #[arg(long, value_name = "PIN", global = true, conflicts_with = "ca")]
    pub(crate) pin: Option<Pin>,
}

/// How to reach a node.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// Through its Unix socket.
    Socket(PathBuf),
    /// Over HTTPS.
    Https {
        /// Name or address, and port.
        host: String,
        port: u16,
        /// Why it is believed to be who it should be.
        trust: Trust,
    },
}

impl Target {
    /// For messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Socket(path) => path.display().to_string(),
            Self::Https { host, port, .. } => format!("https://{host}:{port}"),
        }
    }

    /// An HTTPS address, to be believed for the given reason.
    pub(crate) fn https(url: &str, trust: Trust) -> Result<Self, Failure> {
        let wrong = |what: &str| {
            Failure::new(
                Exit::Usage,
                format!("{url} is no address of a node: {what}"),
            )
            .action("write it as https://HOST:PORT")
        };
        let uri: Uri = url.parse().map_err(|_| wrong("it cannot be read"))?;
        if uri.scheme_str() != Some("https") {
            return Err(wrong("a node speaks https only"));
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong("nothing stands behind the port"));
        }
        let host = uri.host().ok_or_else(|| wrong("the host is missing"))?;
        Ok(Self::Https {
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(443),
            trust,
        })
    }
}

impl ConnectionArgs {
    /// The token, from wherever it was given.
    pub(crate) fn read_token(&self) -> Result<Option<String>, Failure> {
        // What is named on the command line counts before what lies in the environment.
        let Some(path) = &self.token_file else {
            return Ok(self.token.as_deref().map(|token| token.trim().to_owned()));
        };
        let failed = |what: String| {
            Failure::new(
                Exit::Usage,
                format!("the token file {}: {what}", path.display()),
            )
        };
        let length = std::fs::metadata(path)
            .map_err(|error| failed(error.to_string()))?
            .len();
        if length > TOKEN_BYTES_MAX {
            return Err(failed("it is too large to hold a token".into()));
        }
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        Ok(Some(text.trim().to_owned()))
    }

    /// The node that is meant.
    pub(crate) fn target(&self) -> Result<Target, Failure> {
        if let Some(url) = &self.url {
            let trust = match (&self.pin, &self.ca) {
                (Some(pin), _) => Trust::Pin(*pin),
                (None, Some(ca)) => Trust::CaFile(ca.clone()),
                (None, None) => {
                    let message = format!("nothing says whether {url} is the node it should be");
                    return Err(Failure::new(Exit::Usage, message).action(
                        "add --ca with ca.pem of the node's data folder, or --pin with the \
                         fingerprint that `mainstem run` logs",
                    ));
                }
            };
            return Target::https(url, trust);
        }
        if let Some(socket) = &self.socket {
            return Ok(Target::Socket(socket.clone()));
        }
        socket_of(&self.node_file()?)
    }

    /// The node file of the local node.
    pub(crate) fn node_file(&self) -> Result<PathBuf, Failure> {
        let known = self.config.clone().or_else(known_node_file);
        known.ok_or_else(|| {
            let message = format!(
                "no node is named, and there is no {}",
                NODE_FILES.join(", ")
            );
            Failure::new(Exit::Usage, message)
                .action("name a node file with -c, or a node with --url, a token and --ca")
        })
    }
}

fn known_node_file() -> Option<PathBuf> {
    let mut files = NODE_FILES.iter().map(PathBuf::from);
    files.find(|file| file.exists())
}

/// The node file that is meant: the one named, else the first of the usual places that is there.
pub(crate) fn meant_node_file(named: Option<&Path>) -> PathBuf {
    let named = named.map(Path::to_owned).or_else(known_node_file);
    named.unwrap_or_else(|| PathBuf::from(NODE_FILES[0]))
}

/// A path without the steps that lead nowhere.
pub(crate) fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}

/// The socket that a node file says.
fn socket_of(file: &Path) -> Result<Target, Failure> {
    let problems = match mainstem_config::load(file, crate::app::kinds()) {
        Ok(config) => {
            return config
                .unix_socket
                .map(|path| Target::Socket(plain(&path)))
                .ok_or_else(|| {
                    let message = format!("{} switches the Unix socket off", file.display());
                    Failure::new(Exit::Usage, message)
                        .action("name the node with --url, a token and --ca")
                });
        }
        Err(problems) => problems,
    };
    // A file may need secrets that only the service has; the usual place needs none.
    let beside = file.parent().unwrap_or(Path::new("")).join(SOCKET_BESIDE);
    if beside.exists() {
        return Ok(Target::Socket(beside));
    }
    let count = problems.problems.len() + problems.left_out;
    let message = format!(
        "{} has {count} {}, so the node's socket is not known",
        file.display(),
        if count == 1 { "problem" } else { "problems" }
    );
    Err(Failure::new(Exit::Configuration, message).action(format!(
        "see `mainstem check -c {}`, or name the socket with --socket",
        file.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(url: &str) -> ConnectionArgs {
        ConnectionArgs {
            url: Some(url.to_owned()),
            ca: Some("ca.pem".into()),
            ..ConnectionArgs::default()
        }
    }

    #[test]
    fn addresses_of_nodes() {
        let Target::Https { host, port, .. } = args("https://[::1]:8443").target().unwrap() else {
            panic!("no HTTPS");
        };
        assert_eq!((host.as_str(), port), ("[::1]", 8443));
        for bad in [
            "http://a:1",
            "a:1",
            "https://",
            "https://a/api",
            "https://a?b",
            "::",
        ] {
            assert_eq!(args(bad).target().unwrap_err().exit, Exit::Usage, "{bad}");
        }
    }

    #[test]
    fn an_address_without_trust_is_refused() {
        let mut args = args("https://a:1");
        args.ca = None;
        let failure = args.target().unwrap_err();
        assert!(failure.action.unwrap().contains("--ca"));
    }

    #[test]
    fn the_socket_stands_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("node.yaml");
        let args = ConnectionArgs {
            config: Some(file.clone()),
            ..ConnectionArgs::default()
        };
        assert_eq!(args.target().unwrap_err().exit, Exit::Configuration);
        for (line, expected) in [
            ("", Some("data/mainstem.sock")),
            ("unix_socket: run/api.sock", Some("run/api.sock")),
            ("unix_socket: off", None),
        ] {
            std::fs::write(&file, format!("version: 1\nnode:\n  name: a\n{line}\n")).unwrap();
            match (args.target(), expected) {
                (Ok(Target::Socket(path)), Some(expected)) => {
                    let expected = folder.path().join(expected);
                    assert_eq!(path.components().as_path(), expected.components().as_path());
                }
                (Err(failure), None) => assert_eq!(failure.exit, Exit::Usage),
                (other, _) => panic!("{line}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_token_comes_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "ms_abc\n").unwrap();
        let args = ConnectionArgs {
            token_file: Some(file),
            ..ConnectionArgs::default()
        };
        assert_eq!(args.read_token().unwrap().as_deref(), Some("ms_abc"));
    }
}
