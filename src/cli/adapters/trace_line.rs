//! A frame of a device's wire as one line, with its bytes below it.

use std::fmt::Write;

use mainstem_model::Timestamp;

use crate::cli::screen::{Screen, Tone};
use crate::cli::text;

/// Bytes in one line of hex.
const BYTES_PER_LINE: usize = 32;

/// A frame, wherever it is from.
pub(super) struct Shown<'a> {
    pub(super) at: Timestamp,
    pub(super) direction: &'a str,
    pub(super) text: &'a str,
    pub(super) length: usize,
    pub(super) bytes: &'a [u8],
    pub(super) left_out: u64,
}

pub(super) fn line(frame: &Shown<'_>, screen: Screen) -> String {
    let (arrow, tone) = match frame.direction {
        "sent" => ("→", Tone::Strong),
        "received" => ("←", Tone::Good),
        _ => ("·", Tone::Warning),
    };
    let mut out = String::new();
    if frame.left_out > 0 {
        // Writing into a text does not fail.
        let _written = writeln!(out, "-- {} frames were left out --", frame.left_out);
    }
    let at = screen.paint(Tone::Quiet, text::moment(frame.at));
    let said = text::harmless(frame.text);
    let _written = write!(out, "{at} {} {said}", screen.paint(tone, arrow));
    for part in frame.bytes.chunks(BYTES_PER_LINE) {
        let _written = write!(out, "\n    {}", screen.paint(Tone::Quiet, hex(part)));
    }
    if frame.length > frame.bytes.len() && !frame.bytes.is_empty() {
        let _written = write!(out, "\n    … {} bytes in all", frame.length);
    }
    out
}

/// Bytes as pairs of digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(" ")
}
