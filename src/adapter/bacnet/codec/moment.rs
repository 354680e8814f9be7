//! Dates and times of day. Any part of them may be left open, which is written as a star.

use jiff::civil;
use jiff::tz::TimeZone;
use mainstem_model::Timestamp;

/// What stands for "any".
const ANY: u8 = 0xFF;
const YEAR_ZERO: i16 = 1900;

/// Year since 1900, month, day, day of the week.
pub(crate) type Date = [u8; 4];
/// Hour, minute, second, hundredths.
pub(crate) type Time = [u8; 4];

/// As `2026-11-20`.
pub(crate) fn date_text(date: Date) -> String {
    let [year, month, day, _] = date;
    let year = match year {
        ANY => "*".to_owned(),
        year => (YEAR_ZERO + i16::from(year)).to_string(),
    };
    format!("{year}-{}-{}", part(month), part(day))
}

/// As `13:05:00.25`.
pub(crate) fn time_text(time: Time) -> String {
    let [hour, minute, second, hundredths] = time.map(part);
    format!("{hour}:{minute}:{second}.{hundredths}")
}

fn part(number: u8) -> String {
    match number {
        ANY => "*".to_owned(),
        number => format!("{number:02}"),
    }
}

/// A date from its text; the day of the week is left open.
pub(crate) fn date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let year = match parts.next()? {
        "*" => ANY,
        year => u8::try_from(year.parse::<i16>().ok()?.checked_sub(YEAR_ZERO)?).ok()?,
    };
    // 13 and 14 are odd and even months, 32 to 34 the last day, odd and even days.
    let (month, day) = (number(parts.next()?, 1, 14)?, number(parts.next()?, 1, 34)?);
    parts.next().is_none().then_some([year, month, day, ANY])
}

/// A time of day from its text; seconds and hundredths may be left out.
pub(crate) fn time(text: &str) -> Option<Time> {
    let (clock, hundredths) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = clock.split(':');
    let (hour, minute) = (number(parts.next()?, 0, 23)?, number(parts.next()?, 0, 59)?);
    let second = parts
        .next()
        .map_or(Some(0), |second| number(second, 0, 59))?;
    let hundredths = number(hundredths, 0, 99)?;
    parts
        .next()
        .is_none()
        .then_some([hour, minute, second, hundredths])
}

fn number(text: &str, least: u8, most: u8) -> Option<u8> {
    if text == "*" {
        return Some(ANY);
    }
    let number = text.parse().ok()?;
    (least..=most).contains(&number).then_some(number)
}

/// The moment of a date and a time without open parts. The device says no zone; it is read as UTC.
pub(crate) fn moment(date: Date, time: Time) -> Option<Timestamp> {
    let [year, month, day, _] = date;
    let [hour, minute, second, hundredths] = time;
    let small = |number: u8| i8::try_from(number).ok();
    (year != ANY).then_some(())?;
    let year = YEAR_ZERO + i16::from(year);
    let nanos = i32::from(small(hundredths).filter(|part| *part < 100)?) * 10_000_000;
    let date = civil::Date::new(year, small(month)?, small(day)?).ok()?;
    let time = civil::Time::new(small(hour)?, small(minute)?, small(second)?, nanos).ok()?;
    let zoned = date.to_datetime(time).to_zoned(TimeZone::UTC).ok()?;
    Some(Timestamp::from_micros(zoned.timestamp().as_microsecond()))
}

/// The date and the time of a moment in UTC.
pub(crate) fn parts(moment: Timestamp) -> Option<(Date, Time)> {
    let stamp = jiff::Timestamp::from_microsecond(moment.micros()).ok()?;
    let at = TimeZone::UTC.to_datetime(stamp);
    let year = u8::try_from(at.year() - YEAR_ZERO)
        .ok()
        .filter(|year| *year != ANY)?;
    let byte = |number: i8| u8::try_from(number).ok();
    let weekday = byte(at.weekday().to_monday_one_offset())?;
    let hundredths = u8::try_from(at.subsec_nanosecond() / 10_000_000).ok()?;
    let date = [year, byte(at.month())?, byte(at.day())?, weekday];
    let time = [
        byte(at.hour())?,
        byte(at.minute())?,
        byte(at.second())?,
        hundredths,
    ];
    Some((date, time))
}
