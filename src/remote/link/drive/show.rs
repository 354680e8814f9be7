//! The view of a link, kept up to date for whoever asks.

use std::time::Duration;

use mainstem_model::{Monotonic, Timestamp};

use super::Driver;
use crate::machine::LinkState;
use crate::mirror::MirrorCounters;
use crate::remedy::{Remedy, next_action};

/// The view is brought up to date at least this often.
const VIEW_EVERY: Duration = Duration::from_millis(250);
/// Bytes of a short row, for a stream that has brought none yet.
const ROW_BYTES: u64 = 16;

impl Driver {
    /// Brings the view up to date, at once when the state changed and otherwise now and then.
    pub(super) fn show(&mut self) {
        let now = self.now();
        let (state, ..) = self.machine.state();
        if self.view.lock().state == state && now.since(self.viewed) < VIEW_EVERY {
            return;
        }
        self.viewed = now;
        self.canaries.look(now);
        if state == LinkState::Live {
            self.remedy = Remedy::Nothing;
        }
        let counters = MirrorCounters {
            bytes: self.bytes,
            ..self.mirror.counters()
        };
        let row_rate = self.row_rate.look(counters.rows, now);
        let (state, cause, since) = self.machine.state();
        let mut view = self.view.lock();
        let wall = self.store.clock().now();
        let ago = |then: Monotonic| wall_at(wall, now, then);
        if view.state != state
            && let Some(told) = &self.options.on_state
        {
            told(state);
        }
        view.state = state;
        view.cause = (!cause.is_empty()).then(|| cause.to_owned());
        view.since = ago(since);
        view.next_try = self.machine.next_try().map(ago);
        view.action = next_action(&self.options.name, state, self.remedy);
        let is_open = self.machine.is_open();
        view.lag = is_open.then(|| self.machine.lag());
        view.lag_time = is_open.then(|| self.machine.behind(now));
        view.lag_bytes = view
            .lag
            .map(|lag| lag_bytes(lag, self.stream_began, counters));
        view.heard = self.machine.heard().map(|heard| now.since(heard));
        let clock = self.machine.offset().wall();
        view.offset_us = clock.map(|clock| clock.wall_us);
        view.uncertainty_us = clock.map(|clock| clock.uncertainty_us);
        view.clock = clock.map(|_| self.clock.standing());
        view.counters = counters;
        view.row_rate = row_rate;
        view.canaries = self.canaries.views(now);
        view.at = now;
        view.last_left_out = self.mirror.last_left_out().map(str::to_owned);
        if let Some(hello) = self.mirror.hello() {
            view.node = Some((hello.node, hello.name.clone()));
        }
        view.address = self
            .active_route()
            .map(|dial| dial.address())
            .unwrap_or_default();
    }
}

/// What is still to come, by the bytes that a row of this stream had so far; before there was a
/// row, by those of a short one.
fn lag_bytes(lag: u64, (bytes, rows): (u64, u64), counters: MirrorCounters) -> u64 {
    let (bytes, rows) = match counters.rows.saturating_sub(rows) {
        0 => (ROW_BYTES, 1),
        rows => (counters.bytes.saturating_sub(bytes), rows),
    };
    let total = u128::from(lag) * u128::from(bytes) / u128::from(rows);
    u64::try_from(total).unwrap_or(u64::MAX)
}

fn wall_at(wall: Timestamp, now: Monotonic, then: Monotonic) -> Timestamp {
    let signed = |micros: u64| i64::try_from(micros).unwrap_or(i64::MAX);
    let difference = signed(then.micros()).saturating_sub(signed(now.micros()));
    Timestamp::from_micros(wall.micros().saturating_add(difference))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_come_is_estimated_by_what_came() {
        let counters = MirrorCounters {
            rows: 1100,
            bytes: 21_000,
            ..MirrorCounters::default()
        };
        assert_eq!(lag_bytes(50, (1000, 100), counters), 50 * 20);
        assert_eq!(lag_bytes(50, (21_000, 1100), counters), 50 * ROW_BYTES);
        assert_eq!(lag_bytes(u64::MAX, (0, 1099), counters), u64::MAX);
    }
}
