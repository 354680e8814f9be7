//! The names of object types, properties and units, and what type a property usually has.

use crate::codec::{KIND_MAX, ObjectId};
use crate::data_type::DataType;

/// Present-value: what an object measures, or is told to do.
pub(crate) const PRESENT_VALUE: u32 = 85;
/// The flags in-alarm, fault, overridden and out-of-service of an object.
pub(crate) const STATUS_FLAGS: u32 = 111;
/// All objects of a device.
pub(crate) const OBJECT_LIST: u32 = 76;
/// The name of an object.
pub(crate) const OBJECT_NAME: u32 = 77;
/// What an object is for.
pub(crate) const DESCRIPTION: u32 = 28;
/// The unit of an object's present-value.
pub(crate) const UNITS_PROPERTY: u32 = 117;
/// The object itself, as a property.
pub(crate) const OBJECT_IDENTIFIER: u32 = 75;
/// The longest message that a device takes.
pub(crate) const APDU_MAX: u32 = 62;

/// What type a property has.
#[derive(Clone, Copy)]
enum Usual {
    /// That of the object's present-value.
    Own,
    Any,
    Bits,
    Boolean,
    Date,
    Enumerated,
    Moment,
    Object,
    Real,
    Signed,
    Text,
    Time,
    Unsigned,
}

const KINDS: [&str; 60] = [
    "analog-input",
    "analog-output",
    "analog-value",
    "binary-input",
    "binary-output",
    "binary-value",
    "calendar",
    "command",
    "device",
    "event-enrollment",
    "file",
    "group",
    "loop",
    "multi-state-input",
    "multi-state-output",
    "notification-class",
    "program",
    "schedule",
    "averaging",
    "multi-state-value",
    "trend-log",
    "life-safety-point",
    "life-safety-zone",
    "accumulator",
    "pulse-converter",
    "event-log",
    "global-group",
    "trend-log-multiple",
    "load-control",
    "structured-view",
    "access-door",
    "timer",
    "access-credential",
    "access-point",
    "access-rights",
    "access-user",
    "access-zone",
    "credential-data-input",
    "network-security",
    "bitstring-value",
    "characterstring-value",
    "date-pattern-value",
    "date-value",
    "datetime-pattern-value",
    "datetime-value",
    "integer-value",
    "large-analog-value",
    "octetstring-value",
    "positive-integer-value",
    "time-pattern-value",
    "time-value",
    "notification-forwarder",
    "alert-enrollment",
    "channel",
    "lighting-output",
    "binary-lighting-output",
    "network-port",
    "elevator-group",
    "escalator",
    "lift",
];
const PROPERTIES: [(u32, &str, Usual); 76] = [
    (0, "acked-transitions", Usual::Bits),
    (2, "action", Usual::Enumerated),
    (4, "active-text", Usual::Text),
    (12, "application-software-version", Usual::Text),
    (14, "bias", Usual::Real),
    (15, "change-of-state-count", Usual::Unsigned),
    (16, "change-of-state-time", Usual::Moment),
    (17, "notification-class", Usual::Unsigned),
    (21, "controlled-variable-value", Usual::Real),
    (22, "cov-increment", Usual::Own),
    (24, "daylight-savings-status", Usual::Boolean),
    (25, "deadband", Usual::Own),
    (26, "derivative-constant", Usual::Real),
    (28, "description", Usual::Text),
    (31, "device-type", Usual::Text),
    (33, "elapsed-active-time", Usual::Unsigned),
    (35, "event-enable", Usual::Bits),
    (36, "event-state", Usual::Enumerated),
    (40, "feedback-value", Usual::Own),
    (44, "firmware-revision", Usual::Text),
    (45, "high-limit", Usual::Own),
    (46, "inactive-text", Usual::Text),
    (49, "integral-constant", Usual::Real),
    (56, "local-date", Usual::Date),
    (57, "local-time", Usual::Time),
    (58, "location", Usual::Text),
    (59, "low-limit", Usual::Own),
    (61, "maximum-output", Usual::Real),
    (62, "max-apdu-length-accepted", Usual::Unsigned),
    (65, "max-pres-value", Usual::Own),
    (66, "minimum-off-time", Usual::Unsigned),
    (67, "minimum-on-time", Usual::Unsigned),
    (68, "minimum-output", Usual::Real),
    (69, "min-pres-value", Usual::Own),
    (70, "model-name", Usual::Text),
    (72, "notify-type", Usual::Enumerated),
    (74, "number-of-states", Usual::Unsigned),
    (75, "object-identifier", Usual::Object),
    (76, "object-list", Usual::Any),
    (77, "object-name", Usual::Text),
    (79, "object-type", Usual::Enumerated),
    (81, "out-of-service", Usual::Boolean),
    (84, "polarity", Usual::Enumerated),
    (85, "present-value", Usual::Own),
    (87, "priority-array", Usual::Any),
    (93, "proportional-constant", Usual::Real),
    (97, "protocol-services-supported", Usual::Bits),
    (98, "protocol-version", Usual::Unsigned),
    (103, "reliability", Usual::Enumerated),
    (104, "relinquish-default", Usual::Own),
    (106, "resolution", Usual::Own),
    (107, "segmentation-supported", Usual::Enumerated),
    (108, "setpoint", Usual::Real),
    (110, "state-text", Usual::Any),
    (111, "status-flags", Usual::Bits),
    (112, "system-status", Usual::Enumerated),
    (113, "time-delay", Usual::Unsigned),
    (117, "units", Usual::Enumerated),
    (118, "update-interval", Usual::Unsigned),
    (119, "utc-offset", Usual::Signed),
    (120, "vendor-identifier", Usual::Unsigned),
    (121, "vendor-name", Usual::Text),
    (123, "weekly-schedule", Usual::Any),
    (139, "protocol-revision", Usual::Unsigned),
    (141, "record-count", Usual::Unsigned),
    (155, "database-revision", Usual::Unsigned),
    (167, "max-segments-accepted", Usual::Unsigned),
    (168, "profile-name", Usual::Text),
    (174, "schedule-default", Usual::Any),
    (185, "prescale", Usual::Any),
    (186, "pulse-rate", Usual::Unsigned),
    (187, "scale", Usual::Any),
    (190, "value-before-change", Usual::Unsigned),
    (371, "property-list", Usual::Any),
    (372, "serial-number", Usual::Text),
    (431, "current-command-priority", Usual::Any),
];
const UNITS: [(u32, &str); 56] = [
    (0, "m²"),
    (2, "mA"),
    (3, "A"),
    (5, "V"),
    (6, "kV"),
    (8, "VA"),
    (9, "kVA"),
    (11, "var"),
    (12, "kvar"),
    (16, "J"),
    (17, "kJ"),
    (18, "Wh"),
    (19, "kWh"),
    (27, "Hz"),
    (28, "g/kg"),
    (29, "%RH"),
    (30, "mm"),
    (31, "m"),
    (35, "W/m²"),
    (37, "lx"),
    (39, "kg"),
    (42, "kg/s"),
    (47, "W"),
    (48, "kW"),
    (49, "MW"),
    (53, "Pa"),
    (54, "kPa"),
    (55, "bar"),
    (56, "psi"),
    (62, "°C"),
    (63, "K"),
    (64, "°F"),
    (70, "d"),
    (71, "h"),
    (72, "min"),
    (73, "s"),
    (74, "m/s"),
    (80, "m³"),
    (82, "l"),
    (85, "m³/s"),
    (87, "l/s"),
    (88, "l/min"),
    (90, "°"),
    (96, "ppm"),
    (98, "%"),
    (104, "1/min"),
    (118, "cm"),
    (121, "K"),
    (133, "hPa"),
    (134, "mbar"),
    (135, "m³/h"),
    (136, "l/h"),
    (146, "MWh"),
    (159, "ms"),
    (199, "dB"),
    (219, "µg/m³"),
];

/// The number of an object type: its name, or the number itself.
pub(crate) fn kind(text: &str) -> Option<u16> {
    let found = KINDS.iter().position(|name| is_same(name, text));
    let found = found.and_then(|at| u16::try_from(at).ok());
    let number = || text.trim().parse().ok().filter(|kind| *kind <= KIND_MAX);
    found.or_else(number)
}

/// The number of a property: its name, or the number itself.
pub(crate) fn property(text: &str) -> Option<u32> {
    let found = PROPERTIES.iter().find(|(_, name, _)| is_same(name, text));
    let number = || text.trim().parse().ok().filter(|number| *number < 1 << 22);
    found.map(|(number, ..)| *number).or_else(number)
}

/// `analogInput`, `ANALOG_INPUT` and `Analog Input` are all `analog-input`.
fn is_same(name: &str, text: &str) -> bool {
    let letters = |text: &str| {
        let kept = text.chars().filter(char::is_ascii_alphanumeric);
        kept.map(|letter| letter.to_ascii_lowercase())
            .collect::<String>()
    };
    letters(name) == letters(text)
}

/// The name of an object type.
pub(crate) fn kind_text(kind: u16) -> String {
    let name = KINDS.get(usize::from(kind));
    name.map_or_else(|| kind.to_string(), |name| (*name).to_owned())
}

/// The name of a property.
pub(crate) fn property_text(property: u32) -> String {
    let found = PROPERTIES.iter().find(|(number, ..)| *number == property);
    found.map_or_else(|| property.to_string(), |(_, name, _)| (*name).to_owned())
}

/// As `analog-input,3`.
pub(crate) fn object_text(object: ObjectId) -> String {
    format!("{},{}", kind_text(object.kind), object.instance)
}

/// The sign of a unit, where there is a common one.
pub(crate) fn unit_text(unit: u32) -> Option<&'static str> {
    let found = UNITS.iter().find(|(number, _)| *number == unit);
    found.map(|(_, sign)| *sign)
}

/// The type that a property usually has.
pub(crate) fn usual_type(kind: u16, property: u32) -> DataType {
    let found = PROPERTIES.iter().find(|(number, ..)| *number == property);
    match found.map_or(Usual::Any, |(_, _, usual)| *usual) {
        Usual::Own => own_type(kind),
        Usual::Any => DataType::Json,
        Usual::Bits => DataType::BitString,
        Usual::Boolean => DataType::Boolean,
        Usual::Date => DataType::Date,
        Usual::Enumerated => DataType::Enumerated,
        Usual::Moment => DataType::Datetime,
        Usual::Object => DataType::ObjectIdentifier,
        Usual::Real => DataType::Real,
        Usual::Signed => DataType::Signed,
        Usual::Text => DataType::CharacterString,
        Usual::Time => DataType::Time,
        Usual::Unsigned => DataType::Unsigned,
    }
}

/// The type of the present-value of an object.
fn own_type(kind: u16) -> DataType {
    match kind {
        // Analog objects, loops and lighting outputs.
        0..=2 | 12 | 54 => DataType::Real,
        // Binary objects and binary lighting outputs.
        3..=5 => DataType::Switch,
        55 | 21 | 22 | 28 | 30 => DataType::Enumerated,
        // Multi-state objects, accumulators, commands and positive integers.
        7 | 13 | 14 | 19 | 23 | 31 | 48 => DataType::Unsigned,
        24 => DataType::Real,
        6 => DataType::Boolean,
        39 => DataType::BitString,
        40 => DataType::CharacterString,
        41 | 42 => DataType::Date,
        43 | 44 => DataType::Datetime,
        45 => DataType::Signed,
        46 => DataType::Double,
        47 => DataType::OctetString,
        49 | 50 => DataType::Time,
        _ => DataType::Json,
    }
}
