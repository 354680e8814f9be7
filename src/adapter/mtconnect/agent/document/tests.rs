//! Documents of several versions, and what is no document.

use proptest::prelude::*;

use super::*;
use crate::condition::Level;

const STREAMS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<?xml-stylesheet type="text/xsl" href="/styles/Streams.xsl"?>
<m:MTConnectStreams xmlns:m="urn:mtconnect.org:MTConnectStreams:2.0">
  <m:Header instanceId="1795200709" bufferSize="1024" nextSequence="9" firstSequence="2" lastSequence="8"/>
  <m:Streams><m:DeviceStream name="VMC" uuid="000">
    <m:ComponentStream component="Linear" componentId="x1">
      <m:Samples>
        <m:Position dataItemId="x2" name="Xact" sequence="8" timestamp="2026-02-28T23:59:58.25Z">-1.5</m:Position>
        <m:Position dataItemId="y2" name="Yact" sequence="7">1</m:Position>
      </m:Samples>
      <m:Events>
        <m:Program dataItemId="pgm" sequence="3">A &amp; B &#x41;<![CDATA[<c>]]></m:Program>
        <m:Message dataItemId="msg" sequence="5" nativeCode="M1">hot</m:Message>
        <m:VariableDataSet dataItemId="vars" sequence="6"><m:Entry key="a">1</m:Entry></m:VariableDataSet>
      </m:Events>
      <m:Condition>
        <m:Fault dataItemId="sys" sequence="4" nativeCode="42" nativeSeverity="1" qualifier="HIGH" type="SYSTEM">too hot</m:Fault>
        <m:Normal dataItemId="load" sequence="2" type="LOAD"/>
      </m:Condition>
    </m:ComponentStream>
  </m:DeviceStream></m:Streams>
</m:MTConnectStreams>"#;

#[test]
fn observations_come_in_the_order_of_their_numbers() {
    let read = streams(STREAMS.as_bytes(), |id, name| id != "y2" && name != "Yact").unwrap();
    let wanted = Header {
        instance: 1_795_200_709,
        first: 2,
        next: 9,
        buffer: 1024,
    };
    assert_eq!(read.header, wanted);
    let numbers: Vec<u64> = read.observations.iter().map(|one| one.sequence).collect();
    assert_eq!(numbers, [2, 3, 4, 5, 6, 8]);
    let [load, program, system, message, set, x] = read.observations.as_slice() else {
        panic!("{read:?}");
    };
    assert_eq!(program.text, "A & B A<c>");
    assert_eq!(message.what, What::Message { code: "M1".into() });
    assert_eq!(set.what, What::Entries);
    assert_eq!((x.text.as_str(), x.name.as_str()), ("-1.5", "Xact"));
    assert_eq!(x.at.unwrap().micros(), 1_772_323_198_250_000);
    assert!(matches!(
        load.what,
        What::Condition {
            level: Level::Normal,
            ..
        }
    ));
    assert_eq!(
        system.what,
        What::Condition {
            level: Level::Fault,
            code: "42".into(),
            severity: "1".into(),
            qualifier: "HIGH".into(),
        }
    );
    assert_eq!(system.text, "too hot");
}

#[test]
fn an_agent_says_what_is_wrong() {
    let of = |inner: &str| {
        let text = format!(
            r#"<MTConnectError xmlns="urn:mtconnect.org:MTConnectError:1.3"><Header instanceId="1"/>{inner}</MTConnectError>"#
        );
        streams(text.as_bytes(), |_, _| true).unwrap_err()
    };
    let range = of(r#"<Errors><Error errorCode="OUT_OF_RANGE">'from' is wrong</Error></Errors>"#);
    assert!(range.is_out_of_range());
    assert!(range.to_string().contains("'from' is wrong"));
    let other = of(r#"<Errors><Error errorCode="NO_DEVICE">x</Error></Errors>"#);
    assert!(!other.is_out_of_range());
}

#[test]
fn what_is_no_document_is_refused() {
    let bomb = r#"<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><MTConnectStreams>&b;</MTConnectStreams>"#;
    let rows = [
        "",
        "hello",
        "<html><body>404</body></html>",
        "<MTConnectDevices/>",
        "<MTConnectStreams>",
        "<MTConnectStreams><a></MTConnectStreams>",
        "<MTConnectStreams>&own;</MTConnectStreams>",
        bomb,
    ];
    for text in rows {
        let read = streams(text.as_bytes(), |_, _| true);
        assert!(
            matches!(read, Err(Unusable::Invalid(_))),
            "{text}: {read:?}"
        );
    }
    let deep = format!("<MTConnectStreams>{}", "<a>".repeat(100_000));
    assert!(streams(deep.as_bytes(), |_, _| true).is_err());
    assert!(streams(&[0xFF, 0xFE], |_, _| true).is_err());
}

#[test]
fn data_items_have_their_places() {
    let text = r#"<MTConnectDevices xmlns="urn:mtconnect.org:MTConnectDevices:1.3"><Header/>
        <Devices><Device id="d" name="VMC"><DataItems><DataItem id="avail" category="EVENT" type="AVAILABILITY"/></DataItems>
        <Components><Axes id="ax" name="Axes"><Components><Linear id="x1" name="X"><DataItems>
        <DataItem id="x2" name="Xact" category="SAMPLE" type="POSITION" subType="ACTUAL" units="MILLIMETER"><Source>p</Source></DataItem>
        </DataItems></Linear></Components></Axes></Components></Device></Devices></MTConnectDevices>"#;
    let items = devices(text.as_bytes()).unwrap();
    assert_eq!(items[0].path, ["VMC", "avail"]);
    assert_eq!(items[1].path, ["VMC", "Axes", "X", "Xact"]);
    assert_eq!(
        (items[1].id.as_str(), items[1].units.as_str()),
        ("x2", "MILLIMETER")
    );
    assert!(devices(STREAMS.as_bytes()).is_err());
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(streams(&bytes, |_, _| true));
        drop(devices(&bytes));
    }

    #[test]
    fn no_change_of_a_sound_document_does_harm(at in 0..2000_usize, byte: u8, end in 0..2000_usize) {
        let mut bytes = STREAMS.as_bytes().to_vec();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        bytes.truncate(end);
        drop(streams(&bytes, |_, _| true));
    }
}
