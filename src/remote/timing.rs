//! The one table of quality timing, per link profile. `docs/GUARANTEES.md` prints it.

use std::time::Duration;

/// The durations of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between two beats.
    pub beat: Duration,
    /// Without a byte for this long the link's datapoints are uncertain, and the connection dead.
    pub uncertain_after: Duration,
    /// After being uncertain for this long they are bad.
    pub bad_after: Duration,
    /// How long connecting and the hello may take.
    pub connect: Duration,
    /// The shortest pause before another try.
    pub redial_min: Duration,
    /// The longest.
    pub redial_max: Duration,
}

impl Timing {
    /// A local network: uncertain at most 4 s after the last byte at any depth, bad 30 s later.
    pub const LAN: Self = Self {
        beat: Duration::from_millis(500),
        uncertain_after: Duration::from_millis(2000),
        bad_after: Duration::from_secs(30),
        connect: Duration::from_secs(1),
        redial_min: Duration::from_millis(500),
        redial_max: Duration::from_secs(5),
    };
    /// A wide network: uncertain after 10 s, bad 60 s later.
    pub const WAN: Self = Self {
        beat: Duration::from_secs(2),
        uncertain_after: Duration::from_secs(10),
        bad_after: Duration::from_secs(60),
        connect: Duration::from_secs(5),
        redial_min: Duration::from_millis(500),
        redial_max: Duration::from_secs(30),
    };

    /// A server that holds each request for so long: uncertain after 2.5 and bad after 8.5 times
    /// that, which is 25 s and 60 s later for HSYCO's 10 s.
    pub fn held(hold: Duration) -> Self {
        Self {
            beat: hold,
            uncertain_after: hold * 5 / 2,
            bad_after: hold * 6,
            connect: Duration::from_secs(5),
            redial_min: Duration::from_millis(500),
            redial_max: Duration::from_secs(30),
        }
    }

    /// A link that is polled: 2.5 and 6 intervals.
    pub fn poll(interval: Duration) -> Self {
        Self {
            beat: interval,
            uncertain_after: interval * 5 / 2,
            bad_after: interval * 7 / 2,
            connect: interval.max(Duration::from_secs(5)),
            redial_min: interval.min(Duration::from_millis(500)),
            redial_max: interval.max(Duration::from_secs(5)),
        }
    }
}
