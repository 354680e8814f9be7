//! What a walk through a device has found, within limits.

use std::ops::ControlFlow;
use std::time::Duration;

use mainstem_model::{Access, ValueType};

/// Bytes kept of each text that a device tells about itself.
pub const FOUND_TEXT_BYTES_MAX: usize = 1024;

/// How far a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrowseLimits {
    /// Datapoints at most.
    pub found_max: usize,
    /// Places looked at, at most; folders and what cannot be read count as well.
    pub visited_max: u64,
    /// Levels below the start, at most.
    pub depth_max: usize,
    /// How long it may take; the caller keeps it. A kind that only listens does so for this long.
    pub time_max: Duration,
}

/// Why not everything was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// There are more datapoints than were asked for.
    Found,
    /// There are more places.
    Visited,
    /// Some places are deeper.
    Depth,
    /// The time is over.
    Time,
}

/// Something that can be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its place as the device names it, from the outside to the inside. The last is its own name.
    pub path: Vec<String>,
    /// Its address, as `try` takes it.
    pub address: String,
    /// The content of `subscribe:`, as short as it can be.
    pub operation: serde_json::Value,
    /// The type, where the device tells.
    pub value_type: Option<ValueType>,
    /// What the device lets us do, where it tells; resources are written with `r` in any case.
    pub access: Access,
    /// The unit, where the device tells.
    pub unit: Option<String>,
    /// What it is, where the device tells.
    pub description: Option<String>,
    /// A value that was seen, for the comment beside it.
    pub sample: Option<String>,
    /// Why it cannot be read as it stands: it is written as a comment.
    pub obstacle: Option<String>,
}

/// How far a walk is, for whoever waits.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Datapoints so far.
    pub found: usize,
    /// Places looked at so far.
    pub visited: u64,
    /// Where it is now.
    pub place: &'a str,
}

/// Gathers what a walk finds.
pub struct Finds {
    limits: BrowseLimits,
    found: Vec<Found>,
    visited: u64,
    cuts: Vec<Cut>,
    progress: Box<dyn FnMut(Progress<'_>) + Send>,
}

impl Finds {
    /// Nothing yet. `progress` is told now and then.
    pub fn new(limits: BrowseLimits, progress: impl FnMut(Progress<'_>) + Send + 'static) -> Self {
        Self {
            limits,
            found: Vec::new(),
            visited: 0,
            cuts: Vec::new(),
            progress: Box::new(progress),
        }
    }

    /// The limits of the walk.
    pub fn limits(&self) -> BrowseLimits {
        self.limits
    }

    /// Counts a place that is looked at. `Break` means that it is enough.
    pub fn visit(&mut self, place: &str) -> ControlFlow<()> {
        if self.visited >= self.limits.visited_max {
            self.cut(Cut::Visited);
            return ControlFlow::Break(());
        }
        self.visited += 1;
        (self.progress)(Progress {
            found: self.found.len(),
            visited: self.visited,
            place,
        });
        ControlFlow::Continue(())
    }

    /// Whether a place so many levels below the start is looked at; the start itself has 0.
    pub fn descend(&mut self, depth: usize) -> bool {
        let within = depth <= self.limits.depth_max;
        if !within {
            self.cut(Cut::Depth);
        }
        within
    }

    /// Takes something that can be read. `Break` means that it is one too many.
    pub fn add(&mut self, mut found: Found) -> ControlFlow<()> {
        if self.found.len() >= self.limits.found_max {
            self.cut(Cut::Found);
            return ControlFlow::Break(());
        }
        let texts = [
            &mut found.unit,
            &mut found.description,
            &mut found.sample,
            &mut found.obstacle,
        ];
        for text in texts.into_iter().flatten() {
            text.truncate(text.floor_char_boundary(FOUND_TEXT_BYTES_MAX));
        }
        self.found.push(found);
        ControlFlow::Continue(())
    }

    /// Says that something was left out, and why.
    pub fn cut(&mut self, why: Cut) {
        if !self.cuts.contains(&why) {
            self.cuts.push(why);
        }
    }

    /// What was found so far.
    pub fn found(&self) -> &[Found] {
        &self.found
    }

    /// How many places were looked at.
    pub fn visited(&self) -> u64 {
        self.visited
    }

    /// Why not everything was seen; empty if it was.
    pub fn cuts(&self) -> &[Cut] {
        &self.cuts
    }
}

impl std::fmt::Debug for Finds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Finds");
        shown
            .field("limits", &self.limits)
            .field("found", &self.found);
        shown
            .field("visited", &self.visited)
            .field("cuts", &self.cuts);
        shown.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str) -> Found {
        Found {
            path: vec![name.into()],
            address: name.into(),
            operation: serde_json::json!({}),
            value_type: None,
            access: Access::Read,
            unit: None,
            description: Some("ä".repeat(FOUND_TEXT_BYTES_MAX)),
            sample: None,
            obstacle: None,
        }
    }

    #[test]
    fn a_walk_ends_at_each_of_its_limits_and_says_so() {
        let limits = BrowseLimits {
            found_max: 1,
            visited_max: 2,
            depth_max: 1,
            time_max: Duration::from_secs(1),
        };
        let mut finds = Finds::new(limits, |_| {});
        assert!(finds.visit("a").is_continue() && finds.descend(0) && finds.descend(1));
        assert!(finds.add(found("a")).is_continue());
        assert!(finds.cuts().is_empty());
        assert!(finds.add(found("b")).is_break() && !finds.descend(2));
        assert!(finds.visit("b").is_continue() && finds.visit("c").is_break());
        assert_eq!(finds.cuts(), [Cut::Found, Cut::Depth, Cut::Visited]);
        assert_eq!((finds.found().len(), finds.visited()), (1, 2));
        let kept = finds.found()[0].description.as_ref().unwrap();
        assert!(kept.len() <= FOUND_TEXT_BYTES_MAX);
    }
}
