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

/// A file of the page: its name, its media type, its bytes.
type Asset = (&'static str, &'static str, &'static [u8]);

macro_rules! assets {
    ($($mime:ident: $($name:literal)*;)*) => {
        /// Every file of the page.
        const ASSETS: &[Asset] = &[
            $($(($name, $mime, include_bytes!(concat!("assets/", $name))),)*)*
        ];
    };
}

assets! {
    HTML: "index.html";
    CSS: "theme.css" "frame.css" "panels.css" "nodes.css" "points.css" "sheet.css";
    SVG: "logo.svg" "favicon.svg";
    SCRIPT:
        "adapters.js" "alarms.js" "api.js" "app.js" "cards.js" "catalogue.js"
        "documents.js" "dom.js" "events.js" "filter.js" "format.js" "frame.js"
        "icons.js" "input.js" "json.js" "links.js" "live.js" "liveness.js"
        "login.js" "nodes.js" "points.js" "row.js" "session.js" "sheet.js" "stream.js"
        "table.js" "tree.js" "words.js" "write.js";
}

/// The media type and the bytes of a file of the page. `index.html` is served at `/`, and asks for
/// the others below `ui/`.
pub fn asset(name: &str) -> Option<(&'static str, &'static [u8])> {
    let found = ASSETS.iter().find(|(known, ..)| *known == name);
    found.map(|(_, mime, bytes)| (*mime, *bytes))
}

#[cfg(test)]
mod tests;
