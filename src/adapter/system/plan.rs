//! From the configuration to the adapter, with every problem on the way.

use std::path::Path;
use std::time::Duration;

use mainstem_adapter::{AdapterSpec, Built, Point, Problem};
use mainstem_model::{Access, Name, Scalar};
use serde::Deserialize;

use crate::config::{Connection, DISKS_MAX, INTERVAL_MIN};
use crate::disk::Disk;
use crate::metric::{METRICS, point};
use crate::session::System;
use crate::setting::{MachineClock, WallClock};

/// Checks everything and makes the adapter. Looks at no disk: that is the session's business.
pub(crate) fn build(spec: &AdapterSpec) -> Result<Built, Vec<Problem>> {
    build_with(spec, Box::new(MachineClock::default()))
}

/// The same over a clock of one's own.
pub(crate) fn build_with(
    spec: &AdapterSpec,
    clock: Box<dyn WallClock>,
) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let connection = read_connection(spec, &mut problems);
    check_disks(&connection, &mut problems);
    for index in 0..spec.endpoints.len() {
        let pointer = format!("/endpoints/{index}");
        let expected = "no endpoints: every datapoint of a system connection is built in";
        problems.push(Problem::new(
            pointer,
            "a system connection has no endpoints",
            expected,
        ));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let metrics = METRICS.iter();
    let mut points: Vec<Point> = metrics
        .map(|(_, name, scalar, unit, description)| point(name, *scalar, unit, description))
        .collect();
    if connection.set_clock {
        let is_time = |point: &&mut Point| point.name == "time";
        for point in points.iter_mut().filter(is_time) {
            point.definition.access = Access::ReadWrite;
        }
    }
    points.extend(disk_points("disk", "the node's data folder"));
    let mut disks = Vec::new();
    for (name, path) in &connection.disks {
        points.extend(disk_points(
            &format!("disk.{name}"),
            &path.display().to_string(),
        ));
        disks.push(Disk::new(path.clone()));
    }
    let adapter = Box::new(System::new(
        connection.interval(),
        spec.folder.clone(),
        disks,
        clock,
    ));
    Ok(Built {
        adapter,
        points,
        devices: Vec::new(),
    })
}

fn disk_points(prefix: &str, of: &str) -> [Point; 2] {
    let percent = format!("Free part of the disk of {of}.");
    let free = format!("Free space on the disk of {of}.");
    [
        point(&format!("{prefix}.free"), Scalar::U64, "B", &free),
        point(
            &format!("{prefix}.free.percent"),
            Scalar::F64,
            "%",
            &percent,
        ),
    ]
}

fn read_connection(spec: &AdapterSpec, problems: &mut Vec<Problem>) -> Connection {
    let given = if spec.connection.is_null() {
        serde_json::json!({})
    } else {
        spec.connection.clone()
    };
    let connection = Connection::deserialize(given).unwrap_or_else(|error| {
        let expected =
            "interval_ms: milliseconds, disks: names with paths, set_clock: true or false";
        problems.push(Problem::new("/connection", error.to_string(), expected));
        Connection::default()
    });
    if Duration::from_millis(connection.interval_ms) < INTERVAL_MIN {
        let expected = format!("at least {} ms", INTERVAL_MIN.as_millis());
        problems.push(Problem::new(
            "/connection/interval_ms",
            "too short",
            expected,
        ));
    }
    connection
}

fn check_disks(connection: &Connection, problems: &mut Vec<Problem>) {
    if connection.disks.len() > DISKS_MAX {
        let expected = format!("at most {DISKS_MAX}");
        problems.push(Problem::new(
            "/connection/disks",
            "too many disks",
            expected,
        ));
    }
    for (name, path) in &connection.disks {
        // The pointer's own escapes, so that a name with a slash is still found.
        let escaped = name.replace('~', "~0").replace('/', "~1");
        let pointer = format!("/connection/disks/{escaped}");
        if let Err(error) = Name::component(name) {
            problems.push(Problem::new(
                &pointer,
                error.to_string(),
                "one segment of a name",
            ));
        } else if name == "free" {
            let message = "this name is taken by the data folder's disk";
            problems.push(Problem::new(&pointer, message, "another name"));
        }
        if !Path::is_absolute(path) {
            let message = format!("{} is not absolute", path.display());
            problems.push(Problem::new(&pointer, message, "a path that begins with /"));
        }
    }
}
