//! Where an adapter keeps its certificates, and which server showed which one.

use std::fs;
use std::path::{Path, PathBuf};

use mainstem_opcua_trust::{CertificateError, Certificates};

/// Servers whose last certificate is remembered; the oldest makes room.
const SERVERS_MAX: usize = 64;

/// `pki` of an adapter's folder.
pub(crate) fn pki(folder: &Path) -> PathBuf {
    folder.join("pki")
}

/// The certificates of the servers that the adapter with this folder has met.
#[must_use]
pub fn server_certificates(folder: &Path) -> Certificates {
    Certificates::new(&pki(folder))
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), CertificateError> {
    disk(path, fs::create_dir_all(path))
}

pub(crate) fn disk<T>(path: &Path, result: std::io::Result<T>) -> Result<T, CertificateError> {
    result.map_err(|source| CertificateError::Disk {
        path: path.to_owned(),
        source,
    })
}

/// The thumbprint of the certificate with which a server was last believed.
pub(crate) fn last_seen(folder: &Path, url: &str) -> Option<String> {
    let line = lines(folder).into_iter().find(|(_, known)| known == url)?;
    Some(line.0)
}

/// Remembers with which certificate a server was believed just now.
pub(crate) fn remember(folder: &Path, url: &str, thumbprint: &str) -> Result<(), CertificateError> {
    if last_seen(folder, url).as_deref() == Some(thumbprint) {
        return Ok(());
    }
    let mut lines = lines(folder);
    lines.retain(|(_, known)| known != url);
    lines.push((thumbprint.to_owned(), url.to_owned()));
    let surplus = lines.len().saturating_sub(SERVERS_MAX);
    let text: String = lines[surplus..]
        .iter()
        .map(|(thumbprint, url)| format!("{thumbprint} {url}\n"))
        .collect();
    make_folder(&pki(folder))?;
    let path = servers(folder);
    // Written aside, so that nobody finds half of it.
    let new = path.with_added_extension("new");
    disk(&new, fs::write(&new, text))?;
    disk(&path, fs::rename(&new, &path))
}

// A list that cannot be read costs the better message, not the decision.
fn lines(folder: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(servers(folder)).unwrap_or_default();
    let pair = |line: &str| {
        let (thumbprint, url) = line.split_once(' ')?;
        Some((thumbprint.to_owned(), url.to_owned()))
    };
    text.lines().filter_map(pair).collect()
}

fn servers(folder: &Path) -> PathBuf {
    pki(folder).join("servers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_certificate_of_each_server_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert_eq!(last_seen(folder, "opc.tcp://a"), None);
        remember(folder, "opc.tcp://a", "aa").unwrap();
        remember(folder, "opc.tcp://b", "bb").unwrap();
        remember(folder, "opc.tcp://a", "cc").unwrap();
        assert_eq!(last_seen(folder, "opc.tcp://a").as_deref(), Some("cc"));
        assert_eq!(last_seen(folder, "opc.tcp://b").as_deref(), Some("bb"));
        for number in 0..SERVERS_MAX {
            remember(folder, &format!("opc.tcp://{number}"), "dd").unwrap();
        }
        assert_eq!(lines(folder).len(), SERVERS_MAX);
        assert_eq!(last_seen(folder, "opc.tcp://a"), None);
    }
}
