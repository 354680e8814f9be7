//! The view of a link, kept up to date for whoever asks.

use std::time::Duration;

use mainstem_model::{Monotonic, Timestamp};

use super::Driver;

/// The view is brought up to date at least this often.
const VIEW_EVERY: Duration = Duration::from_millis(250);

impl Driver {
    /// Brings the view up to date, at once when the state changed and otherwise now and then.
    pub(super) fn show(&mut self) {
        let now = self.now();
        let (state, cause, since) = self.machine.state();
        let mut view = self.view.lock();
        if view.state == state && now.since(self.viewed) < VIEW_EVERY {
            return;
        }
        self.viewed = now;
        let wall = self.store.clock().now();
        let ago = |then: Monotonic| wall_at(wall, now, then);
        view.state = state;
        view.cause = (!cause.is_empty()).then(|| cause.to_owned());
        view.since = ago(since);
        view.next_try = self.machine.next_try().map(ago);
        view.lag = self.machine.is_open().then(|| self.machine.lag());
        view.heard = self.machine.heard().map(|heard| now.since(heard));
        let clock = self.machine.offset().wall();
        view.offset_us = clock.map(|clock| clock.wall_us);
        view.uncertainty_us = clock.map(|clock| clock.uncertainty_us);
        view.clock = clock.map(|_| self.clock.standing());
        view.counters = self.mirror.counters();
        view.last_left_out = self.mirror.last_left_out().map(str::to_owned);
        if let Some(hello) = self.mirror.hello() {
            view.node = Some((hello.node, hello.name.clone()));
        }
        let route = self
            .options
            .routes
            .get(self.route % self.options.routes.len().max(1));
        view.address = route.map(|dial| dial.address()).unwrap_or_default();
    }
}

fn wall_at(wall: Timestamp, now: Monotonic, then: Monotonic) -> Timestamp {
    let signed = |micros: u64| i64::try_from(micros).unwrap_or(i64::MAX);
    let difference = signed(then.micros()).saturating_sub(signed(now.micros()));
    Timestamp::from_micros(wall.micros().saturating_add(difference))
}
