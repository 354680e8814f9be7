//! Addresses become operations, and bytes show what they may mean.

use mainstem_model::{Quality, Reason, Scalar, Timestamp, Value as Held};

use super::*;

fn operations(address: &str, count: usize, data_type: Option<&str>) -> Result<Vec<Value>, String> {
    let wish = Wish {
        address,
        count,
        data_type,
    };
    let targets = S7Explore.targets(&wish)?;
    for target in &targets {
        // What is shown can be typed again.
        Address::parse(&target.address).unwrap();
    }
    Ok(targets.into_iter().map(|target| target.operation).collect())
}

#[test]
fn addresses_become_operations() {
    let raw = |address: &str, length: u16| json!({"address": address, "dataType": "raw", "length": length});
    let cases = [
        (
            "DB1.DBD4",
            2,
            None,
            vec![raw("DB1.DBD4", 4), raw("DB1.DBD8", 4)],
        ),
        ("ew2", 1, None, vec![raw("IW2", 2)]),
        (
            "DB1.DBX0.7",
            2,
            None,
            vec![
                json!({"address": "DB1.DBX0.7"}),
                json!({"address": "DB1.DBX1.0"}),
            ],
        ),
        (
            "DB10,REAL4",
            2,
            None,
            vec![
                json!({"address": "DB10.DBD4", "dataType": "real"}),
                json!({"address": "DB10.DBD8", "dataType": "real"}),
            ],
        ),
        (
            "DB10,STRING20.30",
            1,
            None,
            vec![json!({"address": "DB10.DBB20", "dataType": "string", "length": 30})],
        ),
        (
            "DB10.DBB20",
            1,
            Some("string:12"),
            vec![json!({"address": "DB10.DBB20", "dataType": "string", "length": 12})],
        ),
        (
            "MW10",
            1,
            Some("i16"),
            vec![json!({"address": "MW10", "dataType": "int"})],
        ),
        ("M0.1", 1, Some("bool"), vec![json!({"address": "M0.1"})]),
        (
            "T5",
            2,
            None,
            vec![json!({"address": "T5"}), json!({"address": "T6"})],
        ),
    ];
    for (address, count, data_type, expected) in cases {
        assert_eq!(
            operations(address, count, data_type).unwrap(),
            expected,
            "{address}"
        );
    }
}

#[test]
fn what_is_none_is_said() {
    for (address, count, data_type) in [
        ("W4", 1, None),
        ("DB1.DBD65532", 2, None),
        ("MB0", usize::MAX, None),
        ("MB0", 1, Some("quark")),
        ("MB0", 1, Some("string:x")),
    ] {
        assert!(
            operations(address, count.min(100_000), data_type).is_err(),
            "{address}"
        );
    }
    assert!(S7Explore.connection("s7://plc/0/1").is_err());
    let connection = S7Explore.connection("s7://10.1.2.3:1102").unwrap();
    assert_eq!(connection, json!({"host": "10.1.2.3", "port": 1102}));
}

fn rows(address: &str, parts: &[Option<&[u8]>]) -> Vec<Tried> {
    let wish = Wish {
        address,
        count: parts.len(),
        data_type: None,
    };
    let answer = |(target, part): (Target, &Option<&[u8]>)| Answer {
        target,
        value: part.map(|bytes| Held::Bytes(bytes.into())),
        value_type: Scalar::Bytes.into(),
        quality: part.map_or(Quality::of(Reason::BadAddress), |_| Quality::GOOD),
        source_time: None,
        at: Some(Timestamp::from_micros(1)),
    };
    let targets = S7Explore.targets(&wish).unwrap();
    let answers: Vec<_> = targets.into_iter().zip(parts).map(answer).collect();
    S7Explore.interpret(&wish, &answers)
}

fn plausible(row: &Tried) -> Vec<&str> {
    let views = row.views.iter().filter(|view| view.plausible);
    views.map(|view| view.label.as_str()).collect()
}

#[test]
fn each_plausible_meaning_stands_beside_the_others() {
    let real = 21.5_f32.to_be_bytes();
    let rows_of_four = rows("DB1.DBD4", &[Some(&real), Some(&[0xFF; 4]), None]);
    assert_eq!(plausible(&rows_of_four[0]), ["dword", "real"]);
    assert_eq!(plausible(&rows_of_four[1]), ["dword", "dint"]);
    assert!(rows_of_four[2].views.is_empty());
    let view = &rows_of_four[0]
        .views
        .iter()
        .find(|view| view.label == "real")
        .unwrap();
    assert_eq!(view.value, Held::F32(21.5));
    assert_eq!(
        view.operation,
        json!({"address": "DB1.DBD4", "dataType": "real"})
    );

    let text = [10, 3, b'a', b'b', b'c'].map(|byte| [byte]);
    let parts: Vec<Option<&[u8]>> = text.iter().map(|byte| Some(byte.as_slice())).collect();
    let by_byte = rows("DB1.DBB20", &parts);
    assert!(plausible(&by_byte[0]).contains(&"string"));
    let view = by_byte[0]
        .views
        .iter()
        .find(|view| view.label == "string")
        .unwrap();
    assert_eq!(view.value, Held::text("abc"));
    assert_eq!(view.operation["length"], 10);
    assert!(plausible(&by_byte[2]).contains(&"char"));
}
