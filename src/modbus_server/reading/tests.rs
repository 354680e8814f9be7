//! Tests of `reading`: values in registers and bits.

use mainstem_registers::{Endian, Format, ShortType};
use mainstem_service::{NodeScaling, TargetState};

use super::*;

fn node(table: Table, format: Format, count: u16, factor: Option<f64>) -> ModbusNode {
    ModbusNode {
        id: "n".into(),
        server: "s".into(),
        datapoint: "a.b".into(),
        unit: 1,
        table,
        address: 0,
        count,
        format,
        scaling: factor.map(|factor| NodeScaling {
            factor,
            offset: 0.0,
        }),
        is_writable: false,
        status: None,
        target_state: TargetState::Enabled,
    }
}

fn register(short: ShortType, order: Option<Endian>, factor: Option<f64>) -> ModbusNode {
    let format = short.format(order, None);
    let count = format.words().unwrap_or(4);
    node(Table::HoldingRegisters, format, count, factor)
}

#[test]
fn values_become_registers() {
    let little = Some(Endian::Little);
    let pi = std::f32::consts::PI;
    let cases = [
        (
            register(ShortType::U16, None, None),
            Value::UInt(7),
            vec![7],
        ),
        (
            register(ShortType::I16, None, Some(0.1)),
            Value::F64(-2.5),
            vec![0xFFE7],
        ),
        (
            register(ShortType::F32, None, None),
            Value::F32(pi),
            vec![0x4049, 0x0FDB],
        ),
        (
            register(ShortType::F32, little, None),
            Value::F32(pi),
            vec![0x0FDB, 0x4049],
        ),
        (
            register(ShortType::U16, None, None),
            Value::Bool(true),
            vec![1],
        ),
        (
            register(ShortType::Text, None, None),
            Value::text("ab"),
            vec![0x6162, 0, 0, 0],
        ),
        (
            node(Table::Coils, Format::Bool, 1, None),
            Value::Bool(true),
            vec![1],
        ),
        (
            node(Table::Coils, Format::Bool, 1, None),
            Value::UInt(0),
            vec![0],
        ),
    ];
    for (node, value, words) in cases {
        assert_eq!(encode(&node, value.clone()), Some(words), "{value:?}");
    }
}

#[test]
fn what_does_not_fit_is_no_number() {
    let cases = [
        (register(ShortType::U16, None, None), Value::UInt(65_536)),
        (register(ShortType::U16, None, None), Value::Int(-1)),
        (
            register(ShortType::I16, None, Some(0.1)),
            Value::F64(4000.0),
        ),
        (register(ShortType::U16, None, None), Value::F64(f64::NAN)),
        (register(ShortType::U16, None, None), Value::text("7")),
        (
            register(ShortType::Text, None, None),
            Value::text("far too long"),
        ),
        (node(Table::Coils, Format::Bool, 1, None), Value::UInt(2)),
    ];
    for (node, value) in cases {
        assert_eq!(encode(&node, value.clone()), None, "{value:?}");
    }
}
