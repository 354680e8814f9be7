//! Messages in one line for people. It takes any bytes.

use super::apdu::{self, Apdu};
use super::network::{self, Datagram};
use super::service::{self, READ, READ_MULTIPLE, SUBSCRIBE_COV, WRITE};
use super::tag::{Tags, unsigned32};
use super::{ObjectId, value};
use crate::fault::Refusal;
use crate::names;

/// A datagram from here.
pub(crate) fn datagram(bytes: &[u8]) -> String {
    match network::unwrap(bytes) {
        Ok(Datagram::Message { apdu, .. }) => message(apdu),
        _ => "no message".to_owned(),
    }
}

/// A message.
pub(crate) fn message(bytes: &[u8]) -> String {
    match apdu::parse(bytes) {
        Err(error) => format!("not understood: {error}"),
        Ok(Apdu::Request {
            invoke,
            service,
            body,
        }) => format!(
            "#{invoke} {} {}",
            service_text(service),
            request(service, body)
        ),
        Ok(Apdu::LongRequest { invoke }) => format!("#{invoke} a request in pieces"),
        Ok(Apdu::Told { service: 2, body }) => format!("change {}", notification(body)),
        Ok(Apdu::Told { service: 0, body }) => match service::i_am(body) {
            Ok(i_am) => format!("I-Am {}", i_am.device.instance),
            Err(_) => "I-Am, not understood".to_owned(),
        },
        Ok(Apdu::Told { service, .. }) => format!("unconfirmed service {service}"),
        Ok(Apdu::Simple { invoke, service }) => format!("#{invoke} {} done", service_text(service)),
        Ok(Apdu::Complex {
            invoke,
            service,
            body,
        }) => format!(
            "#{invoke} {} is {}",
            service_text(service),
            answer(service, body)
        ),
        Ok(Apdu::Segment(part)) => format!("#{} piece {}", part.invoke, part.sequence),
        Ok(Apdu::SegmentAck) => "receipt of pieces".to_owned(),
        Ok(Apdu::Error {
            invoke,
            class,
            code,
        }) => format!("#{invoke} {}", Refusal::Error(class, code).fault().message),
        Ok(Apdu::Reject { invoke, reason }) => {
            format!("#{invoke} {}", Refusal::Reject(reason).fault().message)
        }
        Ok(Apdu::Abort { invoke, reason }) => {
            format!("#{invoke} {}", Refusal::Abort(reason).fault().message)
        }
    }
}

fn service_text(service: u8) -> String {
    let text = match service {
        1 => "change, confirmed",
        SUBSCRIBE_COV => "subscribe-cov",
        READ => "read-property",
        READ_MULTIPLE => "read-property-multiple",
        WRITE => "write-property",
        other => return format!("service {other}"),
    };
    text.to_owned()
}

fn request(service: u8, body: &[u8]) -> String {
    match service {
        1 => notification(body),
        READ | WRITE => target(body).unwrap_or_default(),
        SUBSCRIBE_COV => subscription(body).unwrap_or_default(),
        _ => format!("{} bytes", body.len()),
    }
}

fn object_of(bytes: &[u8]) -> Option<String> {
    let bits = u32::from_be_bytes(bytes.try_into().ok()?);
    Some(names::object_text(ObjectId::from_bits(bits)))
}

fn target(body: &[u8]) -> Option<String> {
    let mut tags = Tags::new(body);
    let object = object_of(tags.context(0).ok()?)?;
    let property = unsigned32(tags.context(1).ok()?).ok()?;
    Some(format!("{object} {}", names::property_text(property)))
}

fn subscription(body: &[u8]) -> Option<String> {
    let mut tags = Tags::new(body);
    tags.context(0).ok()?;
    object_of(tags.context(1).ok()?)
}

fn notification(body: &[u8]) -> String {
    let Ok(change) = service::notification(body) else {
        return "not understood".to_owned();
    };
    let value = |(property, values): &(u32, Vec<value::Raw>)| {
        format!(
            "{} {}",
            names::property_text(*property),
            values_text(values)
        )
    };
    let values: Vec<String> = change.values.iter().map(value).collect();
    format!(
        "{} {}",
        names::object_text(change.object),
        values.join(", ")
    )
}

fn values_text(values: &[value::Raw]) -> String {
    let texts: Vec<String> = values
        .iter()
        .map(|raw| value::to_json(raw).to_string())
        .collect();
    texts.join(" ")
}

fn answer(service: u8, body: &[u8]) -> String {
    match service {
        READ => service::read_answer(body).map_or_else(
            |error| error.to_string(),
            |(target, values)| {
                let object = names::object_text(target.object);
                let property = names::property_text(target.property);
                format!("{object} {property} {}", values_text(&values))
            },
        ),
        READ_MULTIPLE => service::read_multiple_answer(body).map_or_else(
            |error| error.to_string(),
            |answers| format!("{} values", answers.len()),
        ),
        _ => format!("{} bytes", body.len()),
    }
}
