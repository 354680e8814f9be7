//! The files of the admin UI, embedded.

const INDEX: &[u8] = include_bytes!("index.html");

/// A file with its media type, by its path below `/ui/`.
pub fn asset(path: &str) -> Option<(&'static str, &'static [u8])> {
    match path {
        "index.html" => Some(("text/html; charset=utf-8", INDEX)),
        _ => None,
    }
}
