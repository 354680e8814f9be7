//! Lists become resources, and every mistake has its place.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: ImportArgs,
}

fn made(list: &str, options: &[&str]) -> Result<(String, Vec<String>), Vec<String>> {
    let words = ["import", "list.csv"].iter().chain(options);
    let args = Command::try_parse_from(words).unwrap().args;
    let plan = csv::read(list)
        .and_then(|table| list::plan(&table, &args))
        .and_then(check::checked);
    match plan {
        Ok(plan) => Ok((written(&args, &plan).0, plan.remarks)),
        Err(mistakes) => Err(mistakes.iter().map(Mistake::text).collect()),
    }
}

const KEPWARE: &str = "\
Tag Name,Address,Data Type,Respect Data Type,Client Access,Scan Rate,Scaling,Raw Low,Raw High,Scaled Low,Scaled High,Scaled Data Type,Clamp Low,Clamp High,Eng Units,Description,Negate Value
\"Oven.Temperature\",\"400001\",Float,1,RO,500,None,,,,,,,,\"°C\",\"Zone 1, left\",
\"Oven.Setpoint\",\"400003\",Word,1,R/W,1000,Linear,0,1000,0,100,Double,0,1,,,0
\"Run\",\"000017\",Boolean,1,RO,100,,,,,,,,,,,
\"Counter\",\"400010\",BCD,1,RO,100,,,,,,,,,,,
\"Serial\",\"400100.20H\",String,1,RO,10000,,,,,,,,,,,
";

const RESOURCES: &str = "\
# Written by `mainstem adapters import` from list.csv.
resources:
  oven:
    type: Cybus::Connection
    properties:
      protocol: modbus
      connection:
        host: \"10.1.2.3\"
        unitId: 3

  oven_Oven_Temperature:
    type: Cybus::Endpoint
    properties:
      connection: oven
      name: oven.Oven.Temperature
      unit: \"°C\"
      description: \"Zone 1, left\"
      subscribe:
        fc: 3
        address: 0
        type: f32
        word_order: little
        interval: 500

  # Clamp High was set: here a value is shown as it is, never cut off
  oven_Oven_Setpoint:
    type: Cybus::Endpoint
    properties:
      connection: oven
      name: oven.Oven.Setpoint
      access: rw
      scaling:
        factor: 0.1
        offset: 0.0
      subscribe:
        fc: 3
        address: 2
        type: u16
        interval: 1000

  oven_Run:
    type: Cybus::Endpoint
    properties:
      connection: oven
      name: oven.Run
      subscribe:
        fc: 1
        address: 16
        interval: 100

  # left out: the type BCD cannot be taken over
  # oven_Counter:
    # type: Cybus::Endpoint
    # properties:
      # connection: oven
      # name: oven.Counter
      # subscribe:
        # fc: 3
        # address: 9
        # interval: 100

  oven_Serial:
    type: Cybus::Endpoint
    properties:
      connection: oven
      name: oven.Serial
      subscribe:
        fc: 3
        address: 99
        type: text
        length: 10
        interval: 10000
";

#[test]
fn a_list_of_kepware_becomes_resources() {
    let options = [
        "--kind",
        "modbus",
        "--device",
        "tcp://10.1.2.3",
        "--name",
        "oven",
        "-o",
        "unitId=3",
    ];
    let (text, remarks) = made(KEPWARE, &options).unwrap();
    assert_eq!(text, RESOURCES);
    assert!(remarks[0].contains("--word-order big"), "{remarks:?}");
}

#[test]
fn our_own_columns_may_hold_several_devices() {
    let list = "\
adapter;kind;device;name;address;type;interval;access;factor;option.word_order
press;modbus;tcp://10.1.2.3;oil.temperature;30001;f32;500ms;;;little
press;;;oil.level;40010;u16;;rw;0.1;
cpu;s7;s7://10.1.2.4;speed;DB1.DBD4;real;;;;
cell;opcua;opc.tcp://10.1.2.5;state;ns=2;s=x;text;;
";
    // A semicolon within an address needs quotes where it divides columns.
    let mistakes = made(list, &[]).unwrap_err();
    assert!(
        mistakes.iter().any(|text| text.starts_with("5:")),
        "{mistakes:?}"
    );
    let list = list.replace("ns=2;s=x;", "\"ns=2;s=x\";");
    let (text, _) = made(&list, &["-o", "socketTimeout=1000"]).unwrap_err_or_ok();
    assert!(text.is_empty());
    let (text, _) = made(&list, &[]).unwrap();
    for part in [
        "name: press.oil.temperature",
        "word_order: little",
        "factor: 0.1",
        "access: rw",
        "address: DB1.DBD4\n        dataType: real",
        "type: text\n      subscribe:\n        nodeId: \"ns=2;s=x\"",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

/// An option that one of the kinds does not have is a mistake of all.
trait UnwrapEither {
    fn unwrap_err_or_ok(self) -> (String, Vec<String>);
}

impl UnwrapEither for Result<(String, Vec<String>), Vec<String>> {
    fn unwrap_err_or_ok(self) -> (String, Vec<String>) {
        let mistakes = self.unwrap_err();
        assert!(
            mistakes.iter().any(|text| text.contains("socketTimeout")),
            "{mistakes:?}"
        );
        (String::new(), mistakes)
    }
}

/// Lists in our own columns, and how what is said of them begins.
const MISTAKES: [(&str, &str); 18] = [
    ("", "1:1: the list is empty"),
    ("name,address\n", "1:1: there are headings and no rows"),
    (
        "name,adress\na,40001\n",
        "1:2 (adress): there is no column `adress`",
    ),
    (
        "name\na\n",
        "1:2 (address): the column `address` is missing",
    ),
    (
        "name,name,address\na,b,40001\n",
        "1:2 (name): the column `name` is there twice",
    ),
    (
        "name,address\na,1\n",
        "2:2 (address): `1` is no Modbus address",
    ),
    ("name,address\n,40001\n", "2:1 (name): the name is missing"),
    (
        "name,address,type\n\n\na,40001,real\n",
        "4:3 (type): `real` is no type",
    ),
    (
        "name,address,type\na,465536,f32\n",
        "2:2 (address): the addresses end behind 65535",
    ),
    (
        "name,address,type\na,40001,text\n",
        "2:3 (type): `length` is missing",
    ),
    ("name,address\na,40001,x\n", "2:3: `x` stands in no column"),
    (
        "name,address\n\"a\nb,40001\n",
        "2:1: a quotation mark is never closed",
    ),
    (
        "name,address,factor\na,40001,\"0,1\"\n",
        "2:3 (factor): `0,1` is no number",
    ),
    (
        "name,address,factor\na,40001,0\n",
        "2:3 (factor): a factor of 0",
    ),
    (
        "name,address,interval\na,40001,soon\n",
        "2:3 (interval): `soon` is no interval",
    ),
    (
        "name,address,access\na,30001,rw\n",
        "2:2 (address): function code 4 stands for inputs",
    ),
    (
        "name,address,kind\na,40001,quark\n",
        "2:3 (kind): there is no protocol",
    ),
    (
        "name,address,option.quark\na,40001,1\n",
        "2:2 (address): `quark` is no option",
    ),
];

#[test]
fn every_mistake_has_its_line_and_column() {
    for (list, expected) in MISTAKES {
        let mistakes = made(list, &["--kind", "modbus", "--device", "tcp://a"]);
        let mistakes = mistakes.map(|(text, _)| text).unwrap_err();
        assert!(mistakes[0].starts_with(expected), "{list:?}: {mistakes:?}");
    }
    let nowhere = made("name,address\na,40001\n", &["--kind", "modbus"]).unwrap_err();
    assert!(nowhere[0].contains("--device"), "{nowhere:?}");
    let two =
        "adapter,kind,device,name,address\na,modbus,tcp://x,n,40001\na,modbus,tcp://y,m,40002\n";
    assert!(made(two, &[]).unwrap_err()[0].starts_with("3:3 (device): `a` has another"));
}

#[test]
fn what_a_list_of_kepware_gets_wrong_is_told() {
    let head = "Tag Name,Address,Data Type,Client Access,Scan Rate,Scaling,Raw Low,Raw High,Scaled Low,Scaled High\n";
    let cases = [
        (
            "a,400001,Quad,RO,100,,,,,",
            "2:3 (Data Type): `Quad` is no type",
        ),
        ("a,400001,Word,XX,100,,,,,", "2:4 (Client Access)"),
        ("a,400001,Word,RO,soon,,,,,", "2:5 (Scan Rate)"),
        (
            "a,400001,Word,RO,100,Linear,0,,0,100",
            "2:8 (Raw High): linear scaling needs it",
        ),
        (
            "a,400001,Word,RO,100,Linear,5,5,0,100",
            "2:8 (Raw High): the ends",
        ),
        (
            "a,700001,Word,RO,100,,,,,",
            "2:2 (Address): `700001` is no Modbus address",
        ),
    ];
    for (row, expected) in cases {
        let options = ["--kind", "modbus", "--device", "tcp://a"];
        let mistakes = made(&format!("{head}{row}\n"), &options).unwrap_err();
        assert!(mistakes[0].starts_with(expected), "{row}: {mistakes:?}");
    }
}
