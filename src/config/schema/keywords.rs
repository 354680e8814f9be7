//! What our schemas say beyond JSON Schema: `duration` and `size` with their ranges, and formats.

use std::time::Duration;

use jsonschema::{Keyword, ValidationError, ValidationOptions};
use mainstem_model::{Deadband, Glob, Name, Timestamp, TopicFilter, ValueType, quantity};
use mainstem_remote::{ProxyAddress, Route};
use mainstem_security::AddressRule;
use mainstem_write::{PulseRule, TimeOfDay, Zone};
use serde_json::Value;

/// Hexadecimal digits of a SHA-256.
const SHA256_DIGITS: usize = 64;
/// Bytes of a host name.
const HOST_BYTES_MAX: usize = 253;

/// Options with our keywords and formats.
pub(super) fn options<'a>() -> ValidationOptions<'a> {
    jsonschema::options()
        .should_validate_formats(true)
        .with_format("socket-address", |text: &str| {
            text.parse::<std::net::SocketAddr>().is_ok()
        })
        .with_format("host", is_host)
        .with_format("network", |text: &str| text.parse::<AddressRule>().is_ok())
        .with_format("topic-filter", |text: &str| TopicFilter::new(text).is_ok())
        .with_format("deadband", |text: &str| text.parse::<Deadband>().is_ok())
        .with_format("route", |text: &str| text.parse::<Route>().is_ok())
        .with_format("proxy", |text: &str| text.parse::<ProxyAddress>().is_ok())
        .with_format("fingerprint", is_fingerprint)
        .with_format("moment", |text: &str| text.parse::<Timestamp>().is_ok())
        .with_format("name", |text: &str| Name::local(text).is_ok())
        .with_format("long-name", |text: &str| Name::new(text).is_ok())
        .with_format("component", |text: &str| Name::component(text).is_ok())
        .with_format("glob", |text: &str| {
            Glob::new(text.trim_start_matches('!')).is_ok()
        })
        .with_format("pulse", |text: &str| text.parse::<PulseRule>().is_ok())
        .with_format("time-of-day", |text: &str| {
            text.parse::<TimeOfDay>().is_ok()
        })
        .with_format("time-zone", |text: &str| text.parse::<Zone>().is_ok())
        .with_format("http-path", is_http_path)
        .with_format("service-id", |text: &str| {
            mainstem_service::service_id(text).as_deref() == Some(text)
        })
        .with_format("value-type", |text: &str| text.parse::<ValueType>().is_ok())
        .with_keyword("duration", |_, schema, _| {
            Ok(Box::new(DurationRange::new(schema)))
        })
        .with_keyword("size", |_, schema, _| Ok(Box::new(SizeRange::new(schema))))
}

/// What a format is, in words.
pub(super) fn format_words(format: &str) -> Option<&'static str> {
    Some(match format {
        "socket-address" => "an IP address and a port, such as `127.0.0.1:8443` or `[::]:8443`",
        "network" => "`*`, an IP address, or a network such as `10.0.0.0/8`",
        "topic-filter" => {
            "a topic such as `line1/state`, with `+` for one level and `#` for all that follow"
        }
        "deadband" => "a number that is not negative such as `0.5`, or a part such as `1%`",
        "host" => "a host name or an IP address, without a port",
        "route" => "an address such as `https://line1.example:8443`, or a list of them",
        "proxy" => "a proxy such as `http://proxy.example:3128`, with `user:password@` if need be",
        "fingerprint" => "`sha256:` and 64 hexadecimal digits",
        "moment" => "a moment such as `2027-01-01T00:00:00Z`",
        "name" => {
            "a name: up to 8 segments joined by dots, at most 160 bytes, without white space and \
             `* ? [ ] { } ! , ; \" \\`"
        }
        "long-name" => {
            "a name: up to 16 segments joined by dots, at most 255 bytes, without white space and \
             `* ? [ ] { } ! , ; \" \\`"
        }
        "component" => {
            "one word of at most 64 bytes without dots, white space and `* ? [ ] { } ! , ; \" \\`, \
             and not `connection`, `clock`, `link`, `time` or `canary`"
        }
        "glob" => "a pattern such as `line1.**` or `*.temperature`; `!` before it denies",
        "pulse" => "`allowed`, or a duration of 10 ms to 10 min such as `500ms`",
        "time-of-day" => "hours and minutes such as `06:00`, at most `24:00`",
        "time-zone" => {
            "`node`, or a time zone that this machine knows such as `Europe/Berlin` (package \
             tzdata)"
        }
        "http-path" => "a path such as `/orders/new`, without `?`, `#`, `..` and white space",
        "service-id" => "a letter or digit, then letters, digits, `_` and `.`",
        "value-type" => {
            "`bool`, `i8` to `i64`, `u8` to `u64`, `f32`, `f64`, `text`, `bytes`, `time` or \
             `json`; with `[]` behind it a list of these"
        }
        _ => return None,
    })
}

fn is_host(text: &str) -> bool {
    let is_address = text.parse::<std::net::IpAddr>().is_ok();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let is_name = !text.is_empty() && text.len() <= HOST_BYTES_MAX && text.chars().all(allowed);
    is_address || (is_name && !text.split('.').any(str::is_empty))
}

fn is_http_path(text: &str) -> bool {
    let allowed = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '?' | '#');
    text.chars().all(allowed) && !text.split('/').any(|level| matches!(level, "." | ".."))
}

fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|digits| {
        digits.len() == SHA256_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// The range of a duration and what a bare number counts.
pub(super) struct DurationRange {
    pub(super) min: Duration,
    pub(super) max: Duration,
    /// `milliseconds`, `seconds`, or nothing where a number is refused.
    pub(super) number: Option<String>,
}

impl DurationRange {
    pub(super) fn new(schema: &Value) -> Self {
        let bound = |key| {
            schema
                .get(key)
                .and_then(Value::as_str)
                .map(quantity::parse_duration)
        };
        Self {
            min: bound("min").and_then(Result::ok).unwrap_or(Duration::ZERO),
            max: bound("max").and_then(Result::ok).unwrap_or(Duration::MAX),
            number: schema
                .get("number")
                .and_then(Value::as_str)
                .map(str::to_owned),
        }
    }

    fn read(&self, instance: &Value) -> Option<Duration> {
        match (instance, self.number.as_deref()) {
            (Value::String(text), _) => quantity::parse_duration(text).ok(),
            (Value::Number(number), Some(unit)) => {
                let factor = if unit == "seconds" { 1.0 } else { 0.001 };
                Duration::try_from_secs_f64(number.as_f64()? * factor).ok()
            }
            _ => None,
        }
    }
}

impl<'i> Keyword<'i> for DurationRange {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if Keyword::is_valid(self, instance) {
            Ok(())
        } else {
            Err(ValidationError::custom(""))
        }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        // Any other type is the business of `type`.
        let concerned = matches!(instance, Value::String(_))
            || (self.number.is_some() && matches!(instance, Value::Number(_)));
        let read = self.read(instance);
        !concerned || read.is_some_and(|duration| duration >= self.min && duration <= self.max)
    }
}

/// The range of a size.
pub(super) struct SizeRange {
    pub(super) min: u64,
    pub(super) max: u64,
}

impl SizeRange {
    pub(super) fn new(schema: &Value) -> Self {
        let bound = |key| {
            schema
                .get(key)
                .and_then(Value::as_str)
                .map(quantity::parse_size)
        };
        Self {
            min: bound("min").and_then(Result::ok).unwrap_or(0),
            max: bound("max").and_then(Result::ok).unwrap_or(u64::MAX),
        }
    }
}

impl<'i> Keyword<'i> for SizeRange {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if Keyword::is_valid(self, instance) {
            Ok(())
        } else {
            Err(ValidationError::custom(""))
        }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        let bytes = match instance {
            Value::String(text) => quantity::parse_size(text).ok(),
            Value::Number(number) => number.as_u64(),
            _ => return true,
        };
        bytes.is_some_and(|bytes| bytes >= self.min && bytes <= self.max)
    }
}
