//! Notations come apart and together again, and registers show what they may mean.

use mainstem_adapter::explore::Answer;
use mainstem_model::{Quality, Reason, Scalar, Timestamp, Value as Held};

use super::*;

fn wish(address: &str) -> Wish<'_> {
    Wish {
        address,
        count: 1,
        data_type: None,
    }
}

fn operation(address: &str, data_type: Option<&str>) -> Result<Value, String> {
    let wish = Wish {
        data_type,
        ..wish(address)
    };
    let mut targets = ModbusExplore.targets(&wish)?;
    let target = targets.remove(0);
    assert_eq!(
        target.address,
        address.trim(),
        "it is shown as it was written"
    );
    Ok(target.operation)
}

#[test]
fn addresses_are_read_as_manuals_write_them() {
    let cases = [
        ("40001", None, json!({"fc": 3, "address": 0})),
        ("400001", None, json!({"fc": 3, "address": 0})),
        ("465536", None, json!({"fc": 3, "address": 65535})),
        ("30100", None, json!({"fc": 4, "address": 99})),
        ("10001", None, json!({"fc": 2, "address": 0})),
        ("00017", Some("bool"), json!({"fc": 1, "address": 16})),
        ("4:7", None, json!({"fc": 4, "address": 7})),
        (
            "40001.3",
            Some("bool"),
            json!({"fc": 3, "address": 0, "bit": 3}),
        ),
        (
            "40001",
            Some("f32"),
            json!({"fc": 3, "address": 0, "type": "f32"}),
        ),
        (
            "40001",
            Some("f32 CDAB"),
            json!({"fc": 3, "address": 0, "type": "f32", "word_order": "little"}),
        ),
        (
            "40001",
            Some("floatBEWS"),
            json!({"fc": 3, "address": 0, "dataType": "floatBEWS"}),
        ),
        (
            "40100.21L",
            Some("text"),
            json!({"fc": 3, "address": 99, "type": "text", "length": 11, "byte_order": "little"}),
        ),
    ];
    for (address, data_type, expected) in cases {
        assert_eq!(
            operation(address, data_type).unwrap(),
            expected,
            "{address}"
        );
    }
    let hex = ModbusExplore.targets(&wish("3:0x64")).unwrap();
    assert_eq!(hex[0].address, "3:100");
}

#[test]
fn what_is_no_address_is_said() {
    let cases = [
        ("1", None, "40001"),
        ("40000", None, "counts from 1"),
        ("465537", None, "65536"),
        ("50001", None, "no Modbus address"),
        ("5:0", None, "function code"),
        ("3:65536", None, "0 to 65535"),
        ("40001.16", None, "0 to 15"),
        ("40001.", None, "0 to 15"),
        ("00001.3", None, "bit already"),
        ("00001", Some("f32"), "no place"),
        ("40001", Some("real"), "no type"),
        ("40001", Some("f32 ACBD"), "no order"),
        ("", None, "no Modbus address"),
    ];
    for (address, data_type, word) in cases {
        let error = operation(address, data_type).unwrap_err();
        assert!(error.contains(word), "{address}: {error}");
    }
    let beyond = Wish {
        count: 3,
        ..wish("3:65534")
    };
    assert!(ModbusExplore.targets(&beyond).is_err());
}

#[test]
fn urls_become_connections() {
    let connection = |url| ModbusExplore.connection(url).unwrap();
    assert_eq!(connection("tcp://10.1.2.3"), json!({"host": "10.1.2.3"}));
    assert_eq!(
        connection("rtu+tcp://10.1.2.3:4001"),
        json!({"transport": "rtuOverTcp", "host": "10.1.2.3", "port": 4001})
    );
    assert_eq!(
        connection("/dev/ttyUSB0"),
        json!({"transport": "rtu", "device": "/dev/ttyUSB0"})
    );
    assert!(ModbusExplore.connection("tcp://10.1.2.3/1").is_err());
    assert!(ModbusExplore.connection("http://10.1.2.3").is_err());
}

/// The rows of registers; `None` is one that the device refuses.
fn rows(words: &[Option<u16>]) -> Vec<Tried> {
    let wish = Wish {
        count: words.len(),
        ..wish("40001")
    };
    let targets = ModbusExplore.targets(&wish).unwrap();
    let answer = |(target, word): (Target, &Option<u16>)| Answer {
        target,
        value: word.map(|word| Held::UInt(word.into())),
        value_type: Scalar::U16.into(),
        quality: match word {
            Some(_) => Quality::GOOD,
            None => Quality::of(Reason::BadAddress),
        },
        source_time: None,
        at: Some(Timestamp::from_micros(1)),
    };
    let answers: Vec<_> = targets.into_iter().zip(words).map(answer).collect();
    ModbusExplore.interpret(&wish, &answers)
}

fn plausible(row: &Tried) -> Vec<(&str, String)> {
    let views = row.views.iter().filter(|view| view.plausible);
    let shown = |value: &Held| match value {
        Held::UInt(number) => number.to_string(),
        Held::Int(number) => number.to_string(),
        Held::F32(number) => number.to_string(),
        Held::F64(number) => number.to_string(),
        Held::Text(text) => text.to_string(),
        other => panic!("{other:?}"),
    };
    views
        .map(|view| (&*view.label, shown(&view.value)))
        .collect()
}

#[test]
fn each_plausible_meaning_stands_beside_the_others() {
    // 21.5 in the standard's order, -3 in one register, 80.25 with the words swapped, nothing
    // behind an address that is refused, and a text.
    let words = [0x41AC, 0, 0xFFFD, 0x8000, 0x42A0, 0x4142, 0x4344, 0x4500];
    let mut words: Vec<_> = words.into_iter().map(Some).collect();
    words.push(None);
    words.push(Some(7));
    let rows = rows(&words);
    assert_eq!(rows[0].bytes, Some(vec![0x41, 0xAC]));
    assert!(plausible(&rows[0]).contains(&("f32 ABCD", "21.5".into())));
    assert!(plausible(&rows[2]).contains(&("i16", "-3".into())));
    assert!(plausible(&rows[3]).contains(&("f32 CDAB", "80.25".into())));
    assert!(plausible(&rows[5]).contains(&("text", "ABCDE".into())));
    assert!(rows[6].views.iter().all(|view| view.label != "text"));
    // Across what is refused nothing is put together.
    assert!(
        rows[7]
            .views
            .iter()
            .all(|view| !view.label.starts_with("f32"))
    );
    assert!(rows[8].views.is_empty() && rows[8].quality.reason == Reason::BadAddress);
    assert_eq!(plausible(&rows[9]), [("u16", "7".to_owned())]);
    let little = rows[3].views.iter().find(|view| view.label == "f32 CDAB");
    assert_eq!(
        little.unwrap().operation,
        json!({"fc": 3, "address": 3, "type": "f32", "word_order": "little"})
    );
}

#[test]
fn a_rare_order_shows_where_it_explains_more() {
    // 21.5 and 22.5 with the bytes of each register swapped.
    let rows = rows(&[Some(0xAC41), Some(0), Some(0xB441), Some(0)]);
    assert!(plausible(&rows[0]).contains(&("f32 BADC", "21.5".into())));
    assert!(plausible(&rows[2]).contains(&("f32 BADC", "22.5".into())));
    // Of two orders that explain as much, the usual one is shown.
    let usual = super::meaning::registers(&"40001".parse().unwrap(), &[]);
    assert!(usual.is_empty());
}
