//! The table of nodes: id, type, where the value comes from and where a write goes.

use std::time::{Duration, SystemTime};

use opcua::types::{DateTime, StatusCode, Variant, VariantScalarTypeId as Scalar};

use crate::plant::{Plant, PlantError, PlantSnapshot};

/// Ticks of 100 ns from 1601, where OPC UA starts to count, to 1970.
const TICKS_TO_UNIX: i64 = 116_444_736_000_000_000;

/// One moment of the plant, with the wall clock that its last change belongs to.
pub(super) struct Sample {
    pub(super) plant: PlantSnapshot,
    pub(super) last_change: SystemTime,
}

/// Where a node's value lives.
pub(super) enum Origin {
    /// A sensor; it cannot be written.
    Sensor(fn(&Sample) -> Variant),
    /// Something that the plant obeys.
    Command(
        fn(&Sample) -> Variant,
        fn(&mut Plant, &Variant) -> Result<(), StatusCode>,
    ),
    /// A cell without a meaning, for writes of every type; this is its first value.
    Scratch(fn() -> Variant),
}

/// One variable.
pub(super) struct NodeSpec {
    /// The string part of its node id, and its browse name.
    pub(super) id: &'static str,
    pub(super) scalar: Scalar,
    pub(super) origin: Origin,
}

impl NodeSpec {
    pub(super) fn writable(&self) -> bool {
        !matches!(self.origin, Origin::Sensor(_))
    }
}

const fn sensor(id: &'static str, scalar: Scalar, read: fn(&Sample) -> Variant) -> NodeSpec {
    NodeSpec {
        id,
        scalar,
        origin: Origin::Sensor(read),
    }
}

const fn command(
    id: &'static str,
    scalar: Scalar,
    read: fn(&Sample) -> Variant,
    write: fn(&mut Plant, &Variant) -> Result<(), StatusCode>,
) -> NodeSpec {
    NodeSpec {
        id,
        scalar,
        origin: Origin::Command(read, write),
    }
}

const fn scratch(id: &'static str, scalar: Scalar, first: fn() -> Variant) -> NodeSpec {
    NodeSpec {
        id,
        scalar,
        origin: Origin::Scratch(first),
    }
}

/// Every variable of the device.
pub(super) static NODES: &[NodeSpec] = &[
    sensor("Temperature", Scalar::Double, |now| {
        now.plant.temperature.into()
    }),
    command(
        "TemperatureSetpoint",
        Scalar::Double,
        |now| now.plant.temperature_setpoint.into(),
        |plant, value| obey(plant.set_temperature_setpoint(double(value))),
    ),
    sensor("TemperatureRaw", Scalar::Int16, |now| {
        ((now.plant.temperature * 10.0).round() as i16).into()
    }),
    sensor("Pressure", Scalar::Float, |now| {
        (now.plant.pressure as f32).into()
    }),
    sensor("PressureRaw", Scalar::UInt16, |now| {
        ((now.plant.pressure * 100.0).round() as u16).into()
    }),
    sensor("Flow", Scalar::Float, |now| (now.plant.flow as f32).into()),
    sensor("Counter", Scalar::UInt32, |now| now.plant.counter.into()),
    sensor("Energy", Scalar::Int64, |now| now.plant.energy.into()),
    sensor("State", Scalar::Int32, |now| {
        i32::from(now.plant.state.code()).into()
    }),
    sensor("Batch", Scalar::String, |now| {
        now.plant.batch.as_str().into()
    }),
    command(
        "MotorOn",
        Scalar::Boolean,
        |now| now.plant.motor_on.into(),
        |plant, value| {
            plant.set_motor(matches!(value, Variant::Boolean(true)));
            Ok(())
        },
    ),
    sensor("Speed", Scalar::Double, |now| now.plant.speed.into()),
    command(
        "SpeedSetpoint",
        Scalar::Double,
        |now| now.plant.speed_setpoint.into(),
        |plant, value| obey(plant.set_speed_setpoint(double(value))),
    ),
    sensor("LastChange", Scalar::DateTime, |now| {
        date_time(now.last_change).into()
    }),
    scratch("Scratch.Boolean", Scalar::Boolean, || false.into()),
    scratch("Scratch.Int16", Scalar::Int16, || 0_i16.into()),
    scratch("Scratch.UInt16", Scalar::UInt16, || 0_u16.into()),
    scratch("Scratch.Int32", Scalar::Int32, || 0_i32.into()),
    scratch("Scratch.UInt32", Scalar::UInt32, || 0_u32.into()),
    scratch("Scratch.Int64", Scalar::Int64, || 0_i64.into()),
    scratch("Scratch.Float", Scalar::Float, || 0.0_f32.into()),
    scratch("Scratch.Double", Scalar::Double, || 0.0_f64.into()),
    scratch("Scratch.String", Scalar::String, || "".into()),
    scratch("Scratch.DateTime", Scalar::DateTime, || {
        DateTime::epoch().into()
    }),
];

/// A variant that was checked to be a Double; anything else is not a number to the plant.
fn double(value: &Variant) -> f64 {
    match value {
        Variant::Double(value) => *value,
        _ => f64::NAN,
    }
}

fn obey(answer: Result<(), PlantError>) -> Result<(), StatusCode> {
    answer.map_err(|PlantError::OutOfRange { .. }| StatusCode::BadOutOfRange)
}

fn date_time(time: SystemTime) -> DateTime {
    let since_unix = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let ticks = i64::try_from(since_unix.as_nanos() / 100).unwrap_or(i64::MAX - TICKS_TO_UNIX);
    DateTime::from(ticks + TICKS_TO_UNIX)
}
