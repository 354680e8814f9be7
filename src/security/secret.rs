//! Secrets by reference, and a type that does not show them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};

/// Bytes of the largest secret.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// A text that is never printed or logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Why a reference leads to no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The text begins like a reference and is none.
    #[error("a secret is ${{env:NAME}}, ${{file:PATH}} or the text itself; this is none of them")]
    Reference,
    /// The environment has no such variable.
    #[error("the environment has no variable {0:?}: set it where mainstem is started")]
    Variable(String),
    /// The file could not be read.
    #[error(
        "cannot read the secret's file {path:?}: check that it exists and that mainstem may read it"
    )]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("the secret is empty")]
    Empty,
}

impl Secret {
    /// Finds what a text stands for: `${env:NAME}`, `${file:PATH}` (a line end at its end is not
    /// part of it), or itself. `env` reads the environment, which only the caller may do.
    pub fn resolve(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, SecretError> {
        let found = match text.strip_prefix("${") {
            None => text.to_owned(),
            Some(rest) => {
                let reference = rest
                    .strip_suffix('}')
                    .and_then(|inner| inner.split_once(':'));
                match reference {
                    Some(("env", name)) if !name.is_empty() => {
                        env(name).ok_or_else(|| SecretError::Variable(name.to_owned()))?
                    }
                    Some(("file", path)) if !path.is_empty() => read(path)?,
                    _ => return Err(SecretError::Reference),
                }
            }
        };
        match found.is_empty() {
            true => Err(SecretError::Empty),
            false => Ok(Self(found)),
        }
    }

    /// The secret itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

fn read(path: &str) -> Result<String, SecretError> {
    let failed = |source| SecretError::File {
        path: path.to_owned(),
        source,
    };
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    file.take(SECRET_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > SECRET_BYTES_MAX {
        return Err(failed(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "above 64 KiB",
        )));
    }
    let end = text.strip_suffix('\n').map_or(text.len(), str::len);
    text.truncate(end);
    let end = text.strip_suffix('\r').map_or(text.len(), str::len);
    text.truncate(end);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        (name == "PLC").then(|| "from-env".to_owned())
    }

    #[test]
    fn references_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "from-file\r\n").unwrap();
        let file = format!("${{file:{}}}", path.display());
        for (text, found) in [
            ("plain", "plain"),
            ("${env:PLC}", "from-env"),
            (&file, "from-file"),
        ] {
            assert_eq!(Secret::resolve(text, &env).unwrap().expose(), found);
        }
    }

    #[test]
    fn what_leads_nowhere_is_named() {
        let fails = |text: &str| Secret::resolve(text, &env).unwrap_err().to_string();
        assert!(fails("${env:NOPE}").contains("NOPE"));
        assert!(fails("${file:/no/such}").contains("/no/such"));
        for text in ["${env:}", "${vault:x}", "${env:PLC", "${}", ""] {
            assert!(Secret::resolve(text, &env).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_does_not_show() {
        let secret = Secret::resolve("hunter2", &env).unwrap();
        assert!(!format!("{secret:?} {:?}", Some(&secret)).contains("hunter2"));
    }
}
