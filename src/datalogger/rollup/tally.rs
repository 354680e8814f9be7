//! What is known of one slot. The tallies of neighbouring slots add up to that of both.

use std::sync::Arc;

use super::calendar::Slot;
use crate::{RateShare, Step};

const SECOND: f64 = 1e6;

/// What rows and held values make of a slot.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// Rows that count.
    pub count: u64,
    /// Those of them that are uncertain.
    pub uncertain: u64,
    /// Rows left out: bad, without a value, or no number.
    pub bad: u64,
    /// The first reading that counts.
    pub first: f64,
    /// The last one.
    pub last: f64,
    /// The smallest value that held in the slot.
    pub min: f64,
    /// The largest one.
    pub max: f64,
    /// The sum of the readings.
    pub sum: f64,
    /// The sum of value times seconds, each value holding until the next row.
    pub held: f64,
    /// Microseconds for which a value was known.
    pub known: i64,
    /// By how much a counter went on.
    pub increment: f64,
    /// The part of it that went by while nothing was known: it belongs to the gap, and was counted
    /// where the gap ended.
    pub across_gap: f64,
    /// How often the counter was set back to 0.
    pub resets: u32,
    /// How often it went over its end.
    pub overflows: u32,
    /// How often it went back a little.
    pub corrections: u32,
    /// What fell to each rate that held; empty without rates.
    pub rates: Vec<RateShare>,
}

/// A slot with what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rolled {
    /// How long it is.
    pub step: Step,
    /// When it is.
    pub slot: Slot,
    /// What is known of it; nothing if what was there is no more.
    pub tally: Tally,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            count: 0,
            uncertain: 0,
            bad: 0,
            first: 0.0,
            last: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sum: 0.0,
            held: 0.0,
            known: 0,
            increment: 0.0,
            across_gap: 0.0,
            resets: 0,
            overflows: 0,
            corrections: 0,
            rates: Vec::new(),
        }
    }
}

impl Tally {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.count == 0 && self.bad == 0 && self.known == 0
    }

    /// The average: each value weighs as long as it held. A value that is written down only when it
    /// changes has no other.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a month")]
    pub fn average(&self) -> Option<f64> {
        match self.known {
            // Rows and no time between them: the slot begins now.
            0 => self.mean(),
            known => Some(self.held / (known as f64 / SECOND)),
        }
    }

    /// The plain average of the readings.
    #[expect(clippy::cast_precision_loss, reason = "rows of a month")]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// The smallest value, if there was any.
    pub fn lowest(&self) -> Option<f64> {
        self.min.is_finite().then_some(self.min)
    }

    /// The largest value, if there was any.
    pub fn highest(&self) -> Option<f64> {
        self.max.is_finite().then_some(self.max)
    }

    /// What it cost, where there are rates.
    pub fn cost(&self) -> Option<f64> {
        let cost = || self.rates.iter().map(|share| share.cost).sum();
        (!self.rates.is_empty()).then(cost)
    }

    /// Adds the slot behind this one.
    pub fn append(&mut self, next: &Self) {
        if next.count > 0 {
            if self.count == 0 {
                self.first = next.first;
            }
            self.last = next.last;
        }
        self.count += next.count;
        self.uncertain += next.uncertain;
        self.bad += next.bad;
        self.min = self.min.min(next.min);
        self.max = self.max.max(next.max);
        self.sum += next.sum;
        self.held += next.held;
        self.known += next.known;
        self.increment += next.increment;
        self.across_gap += next.across_gap;
        self.resets += next.resets;
        self.overflows += next.overflows;
        self.corrections += next.corrections;
        for share in &next.rates {
            self.share(&share.rate, share.increment, share.cost);
        }
    }

    /// A value held for so many microseconds.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a month")]
    pub(crate) fn hold(&mut self, value: f64, micros: i64) {
        self.held += value * (micros as f64 / SECOND);
        self.known += micros;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// A row that counts.
    pub(crate) fn read(&mut self, value: f64, is_uncertain: bool) {
        if self.count == 0 {
            self.first = value;
        }
        self.last = value;
        self.count += 1;
        self.uncertain += u64::from(is_uncertain);
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    pub(super) fn share(&mut self, rate: &Arc<str>, increment: f64, cost: f64) {
        match self.rates.iter_mut().find(|share| share.rate == *rate) {
            Some(share) => {
                share.increment += increment;
                share.cost += cost;
            }
            None => self.rates.push(RateShare {
                rate: Arc::clone(rate),
                increment,
                cost,
            }),
        }
    }
}
