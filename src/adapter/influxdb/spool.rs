//! Lines that wait to be written: bounded, in order, given back where they were not taken. Pure.

use std::collections::VecDeque;

/// Bytes of all lines that wait.
const WAITING_BYTES_MAX: usize = 64 << 20;
/// Bytes of the lines of one request.
const BATCH_BYTES_MAX: usize = 512 << 10;

/// What waits, and what is under way.
#[derive(Debug)]
pub(crate) struct Spool {
    lines: VecDeque<String>,
    /// The lines of the request that is under way, in front of all that wait.
    sent: Vec<String>,
    bytes: usize,
    lines_max: usize,
    batch_max: usize,
    /// Fewer than usual after a request that was refused, to find the line that was meant.
    batch: usize,
}

impl Spool {
    pub(crate) fn new(lines_max: usize, batch_max: usize) -> Self {
        Self {
            lines: VecDeque::new(),
            sent: Vec::new(),
            bytes: 0,
            lines_max,
            batch_max,
            batch: batch_max,
        }
    }

    /// Lines that wait or are under way.
    pub(crate) fn len(&self) -> usize {
        self.lines.len() + self.sent.len()
    }

    /// Whether there is something to be sent, and no request under way.
    pub(crate) fn may_send(&self) -> bool {
        self.sent.is_empty() && !self.lines.is_empty()
    }

    /// Whether a whole request is there.
    pub(crate) fn is_ripe(&self) -> bool {
        self.lines.len() >= self.batch || self.bytes >= BATCH_BYTES_MAX
    }

    /// Takes a line in. Returns how many old ones had to go.
    pub(crate) fn push(&mut self, line: String) -> u64 {
        self.bytes += line.len() + 1;
        self.lines.push_back(line);
        self.shrink()
    }

    fn shrink(&mut self) -> u64 {
        let mut gone = 0;
        while self.len() > self.lines_max || self.bytes > WAITING_BYTES_MAX {
            let Some(oldest) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= oldest.len() + 1;
            gone += 1;
        }
        gone
    }

    /// The body of the next request, if there is one to be sent and none under way.
    pub(crate) fn take(&mut self) -> Option<String> {
        if !self.may_send() {
            return None;
        }
        let mut body = String::new();
        while self.sent.len() < self.batch
            && let Some(line) = self.lines.pop_front()
        {
            if !body.is_empty() && body.len() + line.len() > BATCH_BYTES_MAX {
                self.lines.push_front(line);
                break;
            }
            self.bytes -= line.len() + 1;
            body.push_str(&line);
            body.push('\n');
            self.sent.push(line);
        }
        Some(body)
    }

    /// The server has them. Returns how many there were.
    pub(crate) fn taken(&mut self) -> usize {
        self.batch = (self.batch * 2).min(self.batch_max);
        std::mem::take(&mut self.sent).len()
    }

    /// They were not taken, or nobody knows: the same again, later. A line that is written twice is
    /// one point. Returns how many had to go because there is no room for them any more.
    pub(crate) fn give_back(&mut self) -> u64 {
        for line in std::mem::take(&mut self.sent).into_iter().rev() {
            self.bytes += line.len() + 1;
            self.lines.push_front(line);
        }
        self.shrink()
    }

    /// The server wants them never. A request of several lines is tried again in halves, so that
    /// only what is wrong itself is lost; returns the line that was.
    pub(crate) fn refused(&mut self) -> Option<String> {
        if self.sent.len() <= 1 {
            return self.sent.pop();
        }
        self.batch = self.sent.len().div_ceil(2);
        self.give_back();
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(lines: usize, lines_max: usize, batch: usize) -> Spool {
        let mut spool = Spool::new(lines_max, batch);
        for number in 0..lines {
            spool.push(number.to_string());
        }
        spool
    }

    #[test]
    fn the_oldest_go_first_and_are_counted() {
        let mut spool = filled(3, 3, 2);
        assert_eq!(spool.push("3".into()), 1);
        assert_eq!(spool.take().unwrap(), "1\n2\n");
        assert_eq!(spool.take(), None, "one request at a time");
        assert_eq!(spool.push("4".into()), 1, "what is under way has its room");
        assert_eq!(spool.give_back(), 0);
        assert_eq!(spool.take().unwrap(), "1\n2\n");
        assert_eq!(spool.taken(), 2);
        assert_eq!(spool.take().unwrap(), "4\n");
        assert_eq!(spool.taken(), 1);
        assert_eq!((spool.take(), spool.len(), spool.bytes), (None, 0, 0));
    }

    #[test]
    fn only_what_is_wrong_is_lost() {
        let mut spool = filled(100, 1000, 64);
        let (mut stored, mut lost, mut requests) = (Vec::new(), Vec::new(), 0);
        while let Some(body) = spool.take() {
            requests += 1;
            if body.lines().any(|line| line == "17" || line == "18") {
                lost.extend(spool.refused());
            } else {
                stored.extend(body.lines().map(str::to_owned));
                spool.taken();
            }
        }
        assert_eq!(lost, ["17", "18"]);
        assert_eq!(stored.len(), 98);
        assert!(requests < 40, "{requests}");
    }

    #[test]
    fn bodies_are_bounded_by_bytes_too() {
        let mut spool = Spool::new(1000, 1000);
        for _ in 0..20 {
            spool.push("x".repeat(60_000));
        }
        assert!(spool.is_ripe());
        let body = spool.take().unwrap();
        assert!(body.len() <= BATCH_BYTES_MAX + 60_001);
        assert!(spool.len() == 20);
    }
}
