//! The frames of a publisher: definitions once, then samples.

use std::io::Write as _;

use crate::options::Shape;
use crate::points::{self, Values};

/// Definitions in one line.
const DEFINES_PER_LINE: usize = 256;
/// What stands in front of one of them.
const DEFINE: &str = "{\"define\":[";

/// Writes the chunks of a body.
pub(crate) struct Frames {
    shape: Shape,
    names: Vec<String>,
    values: Values,
    out: Vec<u8>,
    /// The stamp of the row before in this frame.
    last: Option<i64>,
}

impl Frames {
    pub(crate) fn new(shape: Shape, points: usize, below: usize) -> Self {
        let name = |point| {
            let whole = points::name(point);
            whole
                .splitn(below + 1, '.')
                .last()
                .unwrap_or_default()
                .to_owned()
        };
        Self {
            shape,
            names: (0..points).map(name).collect(),
            values: Values::new(),
            out: Vec::new(),
            last: None,
        }
    }

    /// What every shape begins with: names, and the numbers that rows use.
    pub(crate) fn definitions(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        for (line, names) in self.names.chunks(DEFINES_PER_LINE).enumerate() {
            for (index, name) in names.iter().enumerate() {
                let id = line * DEFINES_PER_LINE + index;
                let before = if index == 0 { DEFINE } else { "," };
                // A Vec takes every byte.
                drop(write!(
                    out,
                    "{before}{{\"id\":{id},\"name\":\"{name}\",\"type\":\"f64\"}}"
                ));
            }
            out.extend_from_slice(b"]}\n");
        }
        out
    }

    /// Appends a sample stamped in microseconds.
    pub(crate) fn sample(&mut self, point: usize, stamp: i64) {
        match self.shape {
            Shape::Rows | Shape::Single => self.row(point, stamp),
            Shape::Named => self.named(point, stamp),
        }
    }

    fn row(&mut self, point: usize, stamp: i64) {
        match self.last {
            Some(_) => self.out.push(b','),
            None => {
                self.out.extend_from_slice(b"{\"t\":");
                self.integer(stamp);
                self.out.extend_from_slice(b",\"r\":[");
            }
        }
        self.out.push(b'[');
        self.integer(i64::try_from(point).unwrap_or_default());
        self.out.push(b',');
        self.integer(stamp - self.last.unwrap_or(stamp));
        self.out.push(b',');
        self.values.write(&mut self.out);
        self.out.push(b']');
        self.last = Some(stamp);
    }

    fn named(&mut self, point: usize, stamp: i64) {
        self.out.extend_from_slice(b"{\"samples\":[{\"name\":\"");
        self.out.extend_from_slice(self.names[point].as_bytes());
        self.out.extend_from_slice(b"\",\"value\":");
        self.values.write(&mut self.out);
        // A moment may be written as microseconds; RFC 3339 would cost the node more.
        self.out.extend_from_slice(b",\"time\":\"");
        self.integer(stamp);
        self.out.extend_from_slice(b"us\"}]}\n");
    }

    fn integer(&mut self, number: i64) {
        self.out
            .extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    /// The chunk that is complete now.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        if self.last.take().is_some() {
            self.out.extend_from_slice(b"]}\n");
        }
        let size = self.out.capacity();
        std::mem::replace(&mut self.out, Vec::with_capacity(size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn lines(bytes: &[u8]) -> Vec<Value> {
        let text = std::str::from_utf8(bytes).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn every_point_is_defined_once() {
        let mut frames = Frames::new(Shape::Rows, 600, 1);
        let lines = lines(&frames.definitions());
        let all: Vec<&Value> = lines
            .iter()
            .flat_map(|line| line["define"].as_array().unwrap())
            .collect();
        assert_eq!((lines.len(), all.len()), (3, 600));
        assert_eq!(all[599]["id"], 599);
        assert_eq!(all[599]["name"], "cell00.machine05.ch99.value");
    }

    #[test]
    fn rows_stand_in_one_frame() {
        let mut frames = Frames::new(Shape::Rows, 10, 1);
        for round in 0..2 {
            frames.sample(3, 1000);
            frames.sample(4, 1005);
            let lines = lines(&frames.take());
            assert_eq!(lines.len(), 1, "{round}");
            assert_eq!(
                (&lines[0]["t"], &lines[0]["r"][1][1]),
                (&1000.into(), &5.into())
            );
            assert_eq!(lines[0]["r"][0][0], 3);
        }
    }

    #[test]
    fn named_samples_stand_alone() {
        let mut frames = Frames::new(Shape::Named, 10, 0);
        frames.sample(3, 1000);
        frames.sample(4, 1005);
        let lines = lines(&frames.take());
        assert_eq!(lines.len(), 2);
        assert_eq!(
            lines[1]["samples"][0]["name"],
            "line00.cell00.machine00.ch04.value"
        );
        assert_eq!(lines[1]["samples"][0]["time"], "1005us");
    }
}
