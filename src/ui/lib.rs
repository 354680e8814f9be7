//! The live page of a node: its files, embedded as they are. No build step, no framework, nothing
//! from elsewhere; the page is a client of the API like any other and has no rights of its own.
//!
//! The page needs no login to be loaded: what it shows, it asks the API for with the token that a
//! person types into it.

#![cfg_attr(test, allow(clippy::unwrap_used))]

/// The policy under which the page is served: everything from this node, nothing inline, no frame
/// around it, and no text that becomes markup.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
    style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file of the page: its path, its media type, its bytes.
type Asset = (&'static str, &'static str, &'static [u8]);

macro_rules! assets {
    ($($mime:ident: $($path:literal)*;)*) => {
        /// Every file of the page.
        const ASSETS: &[Asset] = &[
            $($(($path, $mime, include_bytes!(concat!("assets/", $path))),)*)*
        ];
    };
}

assets! {
    HTML: "index.html";
    CSS: "ui/theme.css" "ui/frame.css" "ui/panels.css" "ui/points.css" "ui/sheet.css";
    SVG: "ui/logo.svg" "ui/favicon.svg";
    SCRIPT:
        "ui/adapters.js" "ui/alarms.js" "ui/api.js" "ui/app.js" "ui/cards.js" "ui/catalogue.js"
        "ui/documents.js" "ui/dom.js" "ui/events.js" "ui/filter.js" "ui/format.js" "ui/frame.js"
        "ui/icons.js" "ui/input.js" "ui/json.js" "ui/links.js" "ui/live.js" "ui/liveness.js"
        "ui/login.js" "ui/points.js" "ui/row.js" "ui/session.js" "ui/sheet.js" "ui/stream.js"
        "ui/table.js" "ui/tree.js" "ui/words.js" "ui/write.js";
}

/// The media type and the bytes of what the page has at a path of the server: `/` is the page
/// itself, the rest stands below `/ui/`.
pub fn asset(path: &str) -> Option<(&'static str, &'static [u8])> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let wanted = if path.is_empty() { "index.html" } else { path };
    let found = ASSETS.iter().find(|(known, ..)| *known == wanted);
    found.map(|(_, mime, bytes)| (*mime, *bytes))
}

#[cfg(test)]
mod tests;
