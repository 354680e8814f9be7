//! Windows of time: days of the week and hours, by the clock on somebody's wall.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use mainstem_model::Timestamp;
use serde::{Deserialize, Deserializer};

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// When a datapoint may be written. A window that ends before it begins goes on past midnight and
/// belongs to the day on which it began.
#[derive(Clone, Debug, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowConfig {
    /// The days of the week: `mon` to `sun`; every day by default.
    #[serde(default = "every_day")]
    #[schemars(length(min = 1, max = 7))]
    pub days: Vec<Day>,
    /// When it begins, in hours and minutes.
    #[serde(default)]
    #[schemars(with = "String", extend("format" = "time-of-day"))]
    pub from: TimeOfDay,
    /// When it ends; this minute is outside already.
    #[serde(default = "midnight")]
    #[schemars(with = "String", extend("format" = "time-of-day"))]
    pub to: TimeOfDay,
    /// Whose time it is: `node`, which is the machine's, or a zone such as `Europe/Berlin`.
    #[serde(default)]
    #[schemars(with = "String", extend("format" = "time-zone"))]
    pub zone: Zone,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

const WEEK: [Day; 7] = [
    Day::Mon,
    Day::Tue,
    Day::Wed,
    Day::Thu,
    Day::Fri,
    Day::Sat,
    Day::Sun,
];

fn every_day() -> Vec<Day> {
    WEEK.to_vec()
}

fn midnight() -> TimeOfDay {
    TimeOfDay(DAY)
}

impl Day {
    fn of(day: Weekday) -> Self {
        let place = usize::try_from(day.to_monday_zero_offset()).unwrap_or(0);
        WEEK[place % WEEK.len()]
    }

    fn before(self) -> Self {
        WEEK[(self as usize + WEEK.len() - 1) % WEEK.len()]
    }
}

/// A minute of the day: `06:00`, `24:00`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// The end of the day.
    pub const END: Self = Self(DAY);
}

impl FromStr for TimeOfDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let part = |text: &str| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse::<u16>().ok()).flatten()
        };
        let read = text.split_once(':').and_then(|(hours, minutes)| {
            let (hours, minutes) = (part(hours)?, part(minutes)?);
            let minute = hours * 60 + minutes;
            (minutes < 60 && minute <= DAY).then_some(Self(minute))
        });
        read.ok_or_else(|| "expected hours and minutes such as 06:00, at most 24:00".to_owned())
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Whose time it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Zone(Option<TimeZone>);

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "node" {
            return Ok(Self(None));
        }
        let known = TimeZone::get(text).or_else(|_| TimeZone::posix(text));
        known.map(|zone| Self(Some(zone))).map_err(|_| {
            "expected `node` or a zone that this machine knows, such as Europe/Berlin".to_owned()
        })
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Zone {
    /// The zone; that of the machine where nothing else is said.
    pub fn time_zone(&self) -> TimeZone {
        self.0.clone().unwrap_or_else(TimeZone::system)
    }
}

impl WindowConfig {
    /// Whether a moment lies in it, by the clocks of a zone, whatever zone it names itself.
    pub fn contains(&self, at: Timestamp, zone: &TimeZone) -> bool {
        let moment = jiff::Timestamp::from_microsecond(at.micros());
        moment.is_ok_and(|moment| {
            let local = zone.to_datetime(moment);
            let minute = u16::from(local.hour().unsigned_abs()) * 60
                + u16::from(local.minute().unsigned_abs());
            self.holds(Day::of(local.weekday()), TimeOfDay(minute))
        })
    }

    /// Why a moment is outside, if it is.
    pub(super) fn refuses(&self, at: Timestamp) -> Option<String> {
        // A wall clock outside all calendars is in no window.
        let Ok(moment) = jiff::Timestamp::from_microsecond(at.micros()) else {
            return Some("the node's clock shows no time of this calendar".to_owned());
        };
        let zone = self.zone.time_zone();
        let local = moment.to_zoned(zone);
        let minute =
            u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        let day = Day::of(local.weekday());
        if self.holds(day, TimeOfDay(minute)) {
            return None;
        }
        let days: Vec<String> = self.days.iter().map(|day| word(*day)).collect();
        Some(format!(
            "it is {} {}, outside {} to {} on {}",
            word(day),
            TimeOfDay(minute),
            self.from,
            self.to,
            days.join(", ")
        ))
    }

    fn holds(&self, day: Day, minute: TimeOfDay) -> bool {
        if self.from < self.to {
            return self.days.contains(&day) && (self.from..self.to).contains(&minute);
        }
        let began_today = minute >= self.from && self.days.contains(&day);
        let began_yesterday = minute < self.to && self.days.contains(&day.before());
        began_today || began_yesterday
    }
}

fn word(day: Day) -> String {
    format!("{day:?}").to_lowercase()
}
