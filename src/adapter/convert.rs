//! Between what a device speaks and what a datapoint is declared to be: scaling and types.

use mainstem_model::{Scalar, Value, ValueError, ValueType};

use crate::Scaling;

/// A device's raw value as a value of the declared type.
///
/// Scaling is computed in `f64`, integer results are rounded half away from zero. What does not
/// fit is an error, never a value that was cut off.
pub fn from_device(
    raw: Value,
    scaling: Option<Scaling>,
    declared: ValueType,
) -> Result<Value, ValueError> {
    match scaling {
        Some(scaling) => map_numbers(&raw, declared, |number| scaling.apply(number)),
        None => convert(raw, declared),
    }
}

/// A value of the declared type as a raw value for the device: an `f64` where there is scaling
/// (the kind brings it to the type on the wire, see [`convert()`]), else the value itself.
pub fn to_device(value: Value, scaling: Option<Scaling>) -> Result<Value, ValueError> {
    let Some(scaling) = scaling else {
        return Ok(value);
    };
    let raw_type = ValueType {
        scalar: Scalar::F64,
        array: matches!(value, Value::Array(_)),
    };
    map_numbers(&value, raw_type, |number| scaling.invert(number))
}

/// A value as another type, where nothing but precision can be lost: between the number types
/// (rounded, within range), a boolean as 0 or 1, and 0 or 1 as a boolean.
pub fn convert(value: Value, wanted: ValueType) -> Result<Value, ValueError> {
    match &value {
        // An array that fits already is handed through, not copied.
        Value::Array(_) if value.check(wanted).is_ok() => Ok(value),
        Value::Array(items) if wanted.array => {
            let element = ValueType::from(wanted.scalar);
            let items = items.iter().map(|item| convert(item.clone(), element));
            checked(Value::Array(items.collect::<Result<_, _>>()?), wanted)
        }
        Value::Array(_) => mismatch(&value, wanted),
        _ if wanted.array => mismatch(&value, wanted),
        _ => convert_scalar(value, wanted),
    }
}

// Allocates nothing as long as the value fits: this is the way of every sample.
fn convert_scalar(value: Value, wanted: ValueType) -> Result<Value, ValueError> {
    let whole = match &value {
        Value::Bool(flag) => Some(i128::from(*flag)),
        _ => value.as_integer(),
    };
    match (wanted.scalar, whole) {
        (Scalar::Bool, Some(0)) => Ok(Value::Bool(false)),
        (Scalar::Bool, Some(1)) => Ok(Value::Bool(true)),
        (scalar, Some(whole)) if scalar.integer_range().is_some() => Value::integer(whole, wanted),
        (scalar, _) if scalar.is_numeric() => match value.as_f64() {
            Some(number) => from_float(number, wanted),
            None => mismatch(&value, wanted),
        },
        _ => checked(value, wanted),
    }
}

fn map_numbers(
    value: &Value,
    wanted: ValueType,
    map: impl Fn(f64) -> f64 + Copy,
) -> Result<Value, ValueError> {
    match value {
        Value::Array(items) if wanted.array => {
            let element = ValueType::from(wanted.scalar);
            let items = items.iter().map(|item| map_numbers(item, element, map));
            checked(Value::Array(items.collect::<Result<_, _>>()?), wanted)
        }
        Value::Bool(_) | Value::Array(_) => mismatch(value, wanted),
        _ if wanted.array => mismatch(value, wanted),
        _ => match value.as_f64() {
            Some(number) => from_float(map(number), wanted),
            None => mismatch(value, wanted),
        },
    }
}

fn from_float(number: f64, wanted: ValueType) -> Result<Value, ValueError> {
    let out_of_range = || ValueError::Range {
        expected: wanted,
        found: number.to_string(),
    };
    match wanted.scalar {
        Scalar::F64 => Ok(Value::F64(number)),
        Scalar::F32 => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "precision is what f32 costs"
            )]
            let narrow = number as f32;
            // Infinity in is infinity out; infinity from a finite number is out of range.
            if narrow.is_finite() || !number.is_finite() {
                Ok(Value::F32(narrow))
            } else {
                Err(out_of_range())
            }
        }
        scalar if scalar.integer_range().is_some() => {
            let rounded = number.round();
            if !rounded.is_finite() {
                return Err(out_of_range());
            }
            #[expect(
                clippy::cast_possible_truncation,
                reason = "saturates; the range is checked"
            )]
            Value::integer(rounded as i128, wanted)
        }
        _ => mismatch(&Value::F64(number), wanted),
    }
}

fn checked(value: Value, wanted: ValueType) -> Result<Value, ValueError> {
    value.check(wanted)?;
    Ok(value)
}

fn mismatch(value: &Value, wanted: ValueType) -> Result<Value, ValueError> {
    Err(ValueError::Type {
        expected: wanted,
        found: value.kind().to_owned(),
    })
}

#[cfg(test)]
mod tests;
