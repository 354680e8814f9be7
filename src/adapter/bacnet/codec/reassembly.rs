//! Answers that come in pieces.

use super::apdu::{SEGMENTS_MAX, Segment};

/// Pieces that may come before a word from here.
const WINDOW: u8 = 8;
/// Pieces that come twice or out of turn, before the answer is given up.
const STRAYS_MAX: u8 = 32;

/// What to do about a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing to say yet.
    Wait,
    /// Say that pieces up to this one have arrived.
    Ack { sequence: u8, window: u8 },
    /// Say so, and ask for the ones behind it once more.
    Again { sequence: u8, window: u8 },
    /// It was the last: say so, and read the whole.
    Whole {
        sequence: u8,
        window: u8,
        service: u8,
        body: Vec<u8>,
    },
    /// It is too long, or makes no sense.
    GiveUp,
}

/// An answer of which pieces have arrived.
#[derive(Debug, Default)]
pub(crate) struct Reassembly {
    body: Vec<u8>,
    pieces: u8,
    since_word: u8,
    strays: u8,
    service: u8,
}

impl Reassembly {
    /// Takes a piece.
    pub(crate) fn take(&mut self, segment: &Segment<'_>) -> Step {
        let window = segment.window.clamp(1, WINDOW);
        if segment.sequence != self.pieces || (self.pieces > 0 && segment.service != self.service) {
            return self.stray(window);
        }
        if self.pieces == SEGMENTS_MAX {
            return Step::GiveUp;
        }
        self.service = segment.service;
        self.body.extend_from_slice(segment.body);
        self.pieces += 1;
        self.since_word += 1;
        let sequence = segment.sequence;
        if !segment.more {
            return Step::Whole {
                sequence,
                window,
                service: self.service,
                body: std::mem::take(&mut self.body),
            };
        }
        // The first piece is always answered: it is how the sender learns the window.
        if sequence == 0 || self.since_word >= window {
            self.since_word = 0;
            return Step::Ack { sequence, window };
        }
        Step::Wait
    }

    fn stray(&mut self, window: u8) -> Step {
        self.strays += 1;
        self.since_word = 0;
        match self.pieces.checked_sub(1) {
            _ if self.strays > STRAYS_MAX => Step::GiveUp,
            Some(sequence) => Step::Again { sequence, window },
            // Without the first piece there is nothing to refer to; its sender repeats it.
            None => Step::Wait,
        }
    }
}
