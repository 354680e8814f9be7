//! Dates, moments and S5 times. A CPU's moments say no zone; they are read as UTC. Pure.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use mainstem_model::Timestamp;

use crate::data_type::DataType;

/// Milliseconds of a day.
pub(super) const DAY_MILLIS: u32 = 86_400_000;
/// Nanoseconds of a day.
pub(super) const DAY_NANOS: u64 = 86_400_000_000_000;
const DAY_MICROS: i64 = 86_400_000_000;
/// Microseconds from 1970 to 1990-01-01, where DATE begins.
const EPOCH_MICROS: i64 = 7_305 * DAY_MICROS;
/// The years that DATE_AND_TIME can hold.
const DATE_AND_TIME_YEARS: std::ops::RangeInclusive<i16> = 1990..=2089;
/// The time bases of S5TIME, in milliseconds.
const S5_BASES: [u32; 4] = [10, 100, 1_000, 10_000];
/// The largest number of three decimal digits.
const DIGITS_MAX: u32 = 999;

fn to_timestamp(date: Date, time: Time) -> Option<Timestamp> {
    let zoned = DateTime::from_parts(date, time)
        .to_zoned(TimeZone::UTC)
        .ok()?;
    Some(Timestamp::from_micros(zoned.timestamp().as_microsecond()))
}

fn from_timestamp(moment: Timestamp) -> Option<DateTime> {
    let stamp = jiff::Timestamp::from_microsecond(moment.micros()).ok()?;
    Some(TimeZone::UTC.to_datetime(stamp))
}

/// A byte of two decimal digits.
fn bcd(byte: u8) -> Option<i8> {
    let (tens, ones) = (byte >> 4, byte & 0xF);
    (tens < 10 && ones < 10).then_some(())?;
    i8::try_from(tens * 10 + ones).ok()
}

fn to_bcd(number: i8) -> u8 {
    let number = number.unsigned_abs() % 100;
    ((number / 10) << 4) | (number % 10)
}

pub(super) fn decode_date(bytes: &[u8]) -> Option<Timestamp> {
    let days = u16::from_be_bytes(bytes.try_into().ok()?);
    Some(Timestamp::from_micros(
        EPOCH_MICROS + i64::from(days) * DAY_MICROS,
    ))
}

pub(super) fn decode_date_and_time(bytes: &[u8]) -> Option<Timestamp> {
    let digits = bytes.get(..7)?.iter().map(|byte| bcd(*byte));
    let digits: Vec<i8> = digits.collect::<Option<_>>()?;
    let &[year, month, day, hour, minute, second, hundredths] = digits.as_slice() else {
        return None;
    };
    let year = i16::from(year) + if year < 90 { 2000 } else { 1900 };
    let millis = i32::from(hundredths) * 10 + i32::from(bytes.get(7)? >> 4);
    (bytes.get(7)? >> 4 < 10).then_some(())?;
    let date = Date::new(year, month, day).ok()?;
    to_timestamp(
        date,
        Time::new(hour, minute, second, millis * 1_000_000).ok()?,
    )
}

pub(super) fn decode_dtl(bytes: &[u8]) -> Option<Timestamp> {
    let small = |at: usize| i8::try_from(*bytes.get(at)?).ok();
    let year = i16::from_be_bytes(bytes.get(..2)?.try_into().ok()?);
    let nanos = u32::from_be_bytes(bytes.get(8..12)?.try_into().ok()?);
    let date = Date::new(year, small(2)?, small(3)?).ok()?;
    let nanos = i32::try_from(nanos).ok()?;
    to_timestamp(
        date,
        Time::new(small(5)?, small(6)?, small(7)?, nanos).ok()?,
    )
}

pub(super) fn decode_ldt(bytes: &[u8]) -> Option<Timestamp> {
    let nanos = i64::from_be_bytes(bytes.try_into().ok()?);
    Some(Timestamp::from_micros(nanos.div_euclid(1_000)))
}

pub(super) fn decode_s5time(bytes: &[u8]) -> Option<u32> {
    let word = u16::from_be_bytes(bytes.try_into().ok()?);
    let base = S5_BASES[usize::from(word >> 12 & 3)];
    Some(u32::from(decimal(word)?) * base)
}

pub(super) fn decode_counter(bytes: &[u8]) -> Option<u16> {
    decimal(u16::from_be_bytes(bytes.try_into().ok()?))
}

/// The three decimal digits in the low part of a word.
fn decimal(word: u16) -> Option<u16> {
    let digits = [word >> 8 & 0xF, word >> 4 & 0xF, word & 0xF];
    let sum = digits.iter().fold(0, |sum, digit| sum * 10 + digit);
    digits.iter().all(|digit| *digit < 10).then_some(sum)
}

/// The finest base that holds it; what does not fit a base exactly is rounded.
pub(super) fn encode_s5time(millis: i128) -> Option<Vec<u8>> {
    let millis = u32::try_from(millis).ok()?;
    let (place, count) = (0u16..).zip(S5_BASES).find_map(|(place, base)| {
        let count = millis.checked_add(base / 2)? / base;
        (count <= DIGITS_MAX).then_some((place, count))
    })?;
    let count = u16::try_from(count).ok()?;
    let word = (place << 12) | ((count / 100) << 8) | ((count / 10 % 10) << 4) | (count % 10);
    Some(word.to_be_bytes().into())
}

/// The bytes of a moment.
pub(super) fn encode(data_type: DataType, moment: Timestamp) -> Option<Vec<u8>> {
    match data_type {
        DataType::Date => {
            let days = (moment.micros() - EPOCH_MICROS).div_euclid(DAY_MICROS);
            Some(u16::try_from(days).ok()?.to_be_bytes().into())
        }
        DataType::DateAndTime => encode_date_and_time(from_timestamp(moment)?),
        DataType::Dtl => encode_dtl(from_timestamp(moment)?),
        DataType::Ldt => {
            let nanos = moment.micros().checked_mul(1_000)?;
            Some(nanos.to_be_bytes().into())
        }
        _ => None,
    }
}

/// Sunday is 1.
fn weekday(moment: DateTime) -> u8 {
    moment.weekday().to_sunday_one_offset().unsigned_abs()
}

fn encode_date_and_time(moment: DateTime) -> Option<Vec<u8>> {
    DATE_AND_TIME_YEARS.contains(&moment.year()).then_some(())?;
    let year = i8::try_from(moment.year() % 100).ok()?;
    let millis = moment.millisecond();
    let tens = i8::try_from(millis / 10).ok()?;
    let ones = u8::try_from(millis % 10).ok()?;
    Some(vec![
        to_bcd(year),
        to_bcd(moment.month()),
        to_bcd(moment.day()),
        to_bcd(moment.hour()),
        to_bcd(moment.minute()),
        to_bcd(moment.second()),
        to_bcd(tens),
        (ones << 4) | weekday(moment),
    ])
}

fn encode_dtl(moment: DateTime) -> Option<Vec<u8>> {
    // As the type is defined: 1970 to 2554.
    (1970..=2554).contains(&moment.year()).then_some(())?;
    let mut bytes: Vec<u8> = moment.year().to_be_bytes().into();
    bytes.extend([moment.month(), moment.day()].map(i8::unsigned_abs));
    bytes.push(weekday(moment));
    bytes.extend([moment.hour(), moment.minute(), moment.second()].map(i8::unsigned_abs));
    bytes.extend(moment.subsec_nanosecond().to_be_bytes());
    Some(bytes)
}
