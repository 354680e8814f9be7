//! Who may import whom. A room sees only rooms to its left; siblings meet in the store.

use super::assert_kept;
use super::files::{self, Package};

/// The layers from left to right. A room may depend on every layer before its own.
///
/// The root package (the composition root and the command line) stands right of all of them. The
/// devices for tests and the demonstration stand beside the house and know nothing of it, and so
/// does the load of the benchmarks.
const LAYERS: &[&[&str]] = &[
    &["mainstem-model", "mainstem-ui", DEVICE, "mainstem-load"],
    &["mainstem-registers"],
    &[
        "mainstem-journal",
        "mainstem-wire",
        "mainstem-telemetry",
        "mainstem-service",
        "mainstem-opcua-trust",
    ],
    &["mainstem-security"],
    &["mainstem-store", "mainstem-mqtt"],
    &["mainstem-write", "mainstem-bus"],
    &[
        "mainstem-adapter",
        "mainstem-remote",
        "mainstem-flowsync",
        "mainstem-mapping",
        "mainstem-opcua-server",
        "mainstem-points",
        "mainstem-datalogger",
        "mainstem-rules",
        "mainstem-alarm",
    ],
    &[PROTOCOLS, "mainstem-modbus-server"],
    &["mainstem-http"],
    &["mainstem-config"],
    &["mainstem"],
];

/// The devices that tests and the demonstration talk to.
const DEVICE: &str = "mainstem-device";

/// Stands for every crate in a folder below `src/adapter`.
const PROTOCOLS: &str = "mainstem-adapter-*";

/// All that a protocol crate sees of the house.
///
/// The list of trusted OPC UA applications is seen by the kind `opcua` alone; the OPC UA server
/// keeps the same. What Modbus registers hold is seen by the kind `modbus`; the Modbus server shows
/// the same.
const SEEN_BY_PROTOCOLS: &[&str] = &[
    "mainstem-adapter",
    "mainstem-model",
    "mainstem-telemetry",
    "mainstem-opcua-trust",
    "mainstem-registers",
];

/// Packages that only the rooms beside them may depend on.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("axum", &["mainstem-http"]),
    ("utoipa-axum", &["mainstem-http"]),
    ("tower-http", &["mainstem-http"]),
    ("saphyr", &["mainstem-config"]),
    (
        "jsonschema",
        &["mainstem-config", "mainstem-adapter-connector"],
    ),
    ("rusqlite", &["mainstem-datalogger", "mainstem-adapter-sql"]),
    (
        "tokio-postgres",
        &["mainstem-datalogger", "mainstem-adapter-sql"],
    ),
    (
        "tokio-postgres-rustls",
        &["mainstem-datalogger", "mainstem-adapter-sql"],
    ),
    ("mysql_async", &["mainstem-adapter-sql"]),
    ("rumqttc", &["mainstem-bus", "mainstem-adapter-mqtt"]),
    ("mqtt5", &["mainstem-bus"]),
    ("tokio-modbus", &["mainstem-adapter-modbus", DEVICE]),
    (
        "async-opcua",
        &[
            "mainstem-adapter-opcua",
            "mainstem-opcua-server",
            "mainstem-opcua-trust",
            DEVICE,
        ],
    ),
];

/// Packages that have no business in a room: what waits or reaches outside is not a model.
const NEVER_IN: &[(&str, &[&str])] = &[(
    "mainstem-model",
    &[
        "tokio",
        "tokio-util",
        "futures",
        "futures-util",
        "hyper",
        "reqwest",
        "socket2",
        "libc",
    ],
)];

/// The name under which a package stands in the tables.
fn listed(package: &str) -> &str {
    let protocol = package.strip_prefix("mainstem-adapter-").is_some();
    if protocol { PROTOCOLS } else { package }
}

fn layer(package: &str) -> Option<usize> {
    LAYERS
        .iter()
        .position(|layer| layer.contains(&listed(package)))
}

/// Every dependency that the tables do not allow.
fn breaches(packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    for room in packages {
        let Some(own) = layer(&room.name) else {
            found.push(format!(
                "{} stands in no layer of tests/it/tidy/layers.rs",
                room.name
            ));
            continue;
        };
        for dependency in &room.dependencies {
            let other = dependency.package.as_str();
            let inside = other == "mainstem" || other.starts_with("mainstem-");
            let why = if inside {
                inside_breach(&room.name, own, other, dependency.only_tests)
            } else if dependency.only_tests {
                // A test may read a sample file or play a foreign peer.
                None
            } else {
                outside_breach(&room.name, other)
            };
            found.extend(why.map(|why| format!("{} depends on {other}: {why}", room.name)));
        }
    }
    found
}

fn inside_breach(room: &str, own: usize, other: &str, only_tests: bool) -> Option<&'static str> {
    // A test of any room may talk to a device.
    if only_tests && other == DEVICE {
        return None;
    }
    if room == DEVICE {
        return Some("a device knows nothing of the house that it is plugged into");
    }
    if other == DEVICE && room != "mainstem" {
        return Some("only tests and the demonstration have simulated devices");
    }
    if listed(room) == PROTOCOLS && !only_tests && !SEEN_BY_PROTOCOLS.contains(&other) {
        return Some("a protocol sees only the model, telemetry and the adapter contract");
    }
    match layer(other) {
        None => Some("it stands in no layer"),
        Some(theirs) if theirs < own => None,
        Some(theirs) if theirs == own => Some("siblings never import each other"),
        Some(_) => Some("it stands to the right"),
    }
}

fn outside_breach(room: &str, other: &str) -> Option<&'static str> {
    let only = ONLY_IN.iter().find(|(package, _)| *package == other);
    if only.is_some_and(|(_, rooms)| !rooms.contains(&room)) {
        return Some("only another room knows it (see ONLY_IN)");
    }
    let never = NEVER_IN.iter().find(|(name, _)| *name == room);
    if never.is_some_and(|(_, packages)| packages.contains(&other)) {
        return Some("this room does no I/O and waits for nothing");
    }
    None
}

/// Manifests that do not take the lints of the workspace.
fn without_lints(manifests: &[(String, String)]) -> Vec<String> {
    let takes = |text: &str| {
        let mut lines = text
            .lines()
            .map(str::trim)
            .skip_while(|line| *line != "[lints]")
            .skip(1);
        lines.find(|line| !line.is_empty()) == Some("workspace = true")
    };
    let lacking = manifests.iter().filter(|(_, text)| !takes(text));
    lacking
        .map(|(path, _)| format!("{path}: `[lints] workspace = true` is missing"))
        .collect()
}

#[test]
fn a_room_sees_only_what_stands_to_its_left() {
    let packages = files::packages();
    assert!(
        packages
            .iter()
            .any(|package| package.name == "mainstem-model")
    );
    assert_kept(
        "who may import whom (docs/ARCHITECTURE.md)",
        &breaches(&packages),
    );
}

#[test]
fn every_room_takes_the_lints() {
    let read = |package: Package| {
        let path = files::repository().join(&package.folder).join("Cargo.toml");
        (
            format!("{}/Cargo.toml", package.folder),
            std::fs::read_to_string(path).unwrap(),
        )
    };
    let manifests: Vec<_> = files::packages().into_iter().map(read).collect();
    assert_kept(
        "every member takes the lints of the workspace",
        &without_lints(&manifests),
    );
}

#[test]
fn a_missing_lint_table_is_found() {
    let manifest = |text: &str| vec![("a/Cargo.toml".to_owned(), text.to_owned())];
    assert_eq!(
        without_lints(&manifest("[package]\nname = \"a\"\n")).len(),
        1
    );
    assert_eq!(
        without_lints(&manifest("[lints]\nworkspace = false\n")).len(),
        1
    );
    assert_eq!(
        without_lints(&manifest("[dependencies]\n\n[lints]\nworkspace = true\n")).len(),
        0
    );
}

#[test]
fn a_breach_of_the_layers_is_found() {
    let why = |room: &str, other: &str, only_tests: bool| {
        let dependency = files::Dependency {
            package: other.to_owned(),
            only_tests,
        };
        let (folder, name) = (String::new(), room.to_owned());
        breaches(&[Package {
            folder,
            name,
            dependencies: vec![dependency],
        }])
        .pop()
    };
    let forbidden = [
        ("mainstem-model", "mainstem-wire"),
        ("mainstem-model", "tokio"),
        ("mainstem-remote", "mainstem-adapter"),
        ("mainstem-remote", "mainstem-http"),
        ("mainstem-remote", "mainstem-device"),
        ("mainstem-http", "mainstem-config"),
        ("mainstem-http", "mainstem-unheard-of"),
        ("mainstem-adapter-modbus", "mainstem-store"),
        ("mainstem-adapter-modbus", "mainstem-adapter-opcua"),
        ("mainstem-adapter", "mainstem-adapter-modbus"),
        ("mainstem-device", "mainstem-model"),
        ("mainstem-remote", "axum"),
        ("mainstem", "axum"),
        ("mainstem-unheard-of", "serde"),
    ];
    for (room, other) in forbidden {
        assert!(
            why(room, other, false).is_some(),
            "{room} may not depend on {other}"
        );
    }
    let allowed = [
        ("mainstem-store", "mainstem-model", false),
        ("mainstem-http", "axum", false),
        ("mainstem-adapter-modbus", "mainstem-adapter", false),
        ("mainstem-adapter-modbus", "mainstem-device", true),
        ("mainstem-adapter-modbus", "mainstem-store", true),
        ("mainstem", "mainstem-device", false),
        ("mainstem", "mainstem-config", false),
        ("mainstem-model", "serde", false),
    ];
    for (room, other, only_tests) in allowed {
        assert_eq!(
            why(room, other, only_tests),
            None,
            "{room} may depend on {other}"
        );
    }
}
