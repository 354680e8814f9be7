//! The adapter for it: a whole kind in one file, with faults to be caught.

use std::time::Duration;

use mainstem_model::{Access, Reason, Scalar, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{
    Adapter, AdapterIo, AdapterSpec, BoxFuture, Built, EndpointSpec, Kind, Point, PointId,
    PollSchedule, Problem, Reading, SessionEnd, WriteAnswer, WriteJob,
};

pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_millis(300);
const INTERVAL: Duration = Duration::from_millis(40);
const ANSWER_BYTES_MAX: usize = 256;

pub(super) const KIND: Kind = Kind {
    name: "line",
    summary: "A line protocol for the tests of the suite itself.",
    sample: "resources: {}",
    connection_schema: || serde_json::json!({}),
    endpoint_schema: || serde_json::json!({}),
    build: |spec| build(spec, ""),
    explore: None,
};

/// A kind with one fault.
pub(super) fn build_for(fault: &str) -> fn(&AdapterSpec) -> Result<Built, Vec<Problem>> {
    match fault {
        "waits for ever" => |spec| build(spec, "waits for ever"),
        "ignores stop" => |spec| build(spec, "ignores stop"),
        "says applied" => |spec| build(spec, "says applied"),
        "leaves tasks" => |spec| build(spec, "leaves tasks"),
        "first problem only" => |spec| {
            build(spec, "").map_err(|mut problems| {
                problems.truncate(1);
                problems
            })
        },
        "dies of one address" => |spec| build(spec, "dies of one address"),
        other => panic!("no such fault: {other}"),
    }
}

pub(super) fn spec(port: u16, keys: &[&str]) -> AdapterSpec {
    let endpoint = |key: &&str| EndpointSpec {
        name: (*key).into(),
        operation: serde_json::json!({"key": key}),
        interval: None,
        access: if *key == "setpoint" {
            Access::ReadWrite
        } else {
            Access::Read
        },
        value_type: None,
        unit: None,
        description: None,
        limits: None,
        scaling: None,
        time: None,
        stale_after: None,
        life: None,
    };
    AdapterSpec {
        name: "line".into(),
        connection: serde_json::json!({"port": port}),
        endpoints: keys.iter().map(endpoint).collect(),
        folder: std::path::PathBuf::new(),
        home: std::path::PathBuf::new(),
    }
}

fn build(spec: &AdapterSpec, fault: &'static str) -> Result<Built, Vec<Problem>> {
    let mut problems = Vec::new();
    let port = spec.connection["port"]
        .as_u64()
        .and_then(|port| u16::try_from(port).ok());
    let port = port.filter(|&port| port > 0).unwrap_or_else(|| {
        problems.push(Problem::new("/connection/port", "no port", "1 to 65535"));
        0
    });
    let (mut keys, mut points) = (Vec::new(), Vec::new());
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        match endpoint.operation["key"].as_str() {
            Some(key) => keys.push(key.to_owned()),
            None => {
                let pointer = format!("/endpoints/{index}/operation/key");
                problems.push(Problem::new(pointer, "no key", "a word"));
            }
        }
        points.push(Point {
            name: endpoint.name.clone(),
            definition: endpoint.definition(Scalar::F64),
            endpoint: Some(index),
            device: None,
        });
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let adapter = Box::new(LineAdapter { port, keys, fault });
    Ok(Built {
        adapter,
        points,
        devices: vec![],
    })
}

struct LineAdapter {
    port: u16,
    keys: Vec<String>,
    fault: &'static str,
}

impl LineAdapter {
    async fn serve(&mut self, io: &mut AdapterIo) -> Result<(), SessionEnd> {
        let connect = TcpStream::connect(("127.0.0.1", self.port));
        let mut stream = connect
            .await
            .map_err(|e| SessionEnd::lost("refused", e.to_string()))?;
        if self.fault == "leaves tasks" {
            #[expect(clippy::disallowed_methods, reason = "the fault to be caught")]
            drop(tokio::spawn(std::future::pending::<()>()));
        }
        let mut schedule = PollSchedule::new([INTERVAL], io.clock().monotonic());
        let stopped = io.stopped();
        tokio::pin!(stopped);
        let mut is_online = false;
        loop {
            if schedule.take_due(io.clock().monotonic()).is_some() {
                let mut readings = self.read_all(&mut stream).await?;
                if !std::mem::replace(&mut is_online, true) {
                    io.online();
                }
                io.emit(&mut readings);
            }
            let due = io.sleep_until(schedule.next_due().unwrap_or_default());
            tokio::select! {
                () = &mut stopped, if self.fault != "ignores stop" => return Ok(()),
                job = io.next_write() => self.write(&mut stream, job, io).await?,
                () = due => {}
            }
        }
    }

    async fn read_all(&self, stream: &mut TcpStream) -> Result<Vec<Reading>, SessionEnd> {
        let mut readings = Vec::new();
        for (index, key) in (0_u32..).zip(&self.keys) {
            let answer = self.ask(stream, &format!("get {key}\n")).await?;
            if answer.is_none() && self.fault == "dies of one address" {
                return Err(SessionEnd::lost("bad_address", "no such key"));
            }
            readings.push(match answer {
                Some(value) => Reading::good(PointId(index), Value::F64(value)),
                None => Reading::failed(PointId(index), Reason::BadAddress),
            });
        }
        Ok(readings)
    }

    async fn write(
        &self,
        stream: &mut TcpStream,
        mut job: WriteJob,
        io: &AdapterIo,
    ) -> Result<(), SessionEnd> {
        if self.fault == "says applied" {
            job.answer(WriteAnswer::Applied { verified: false });
            return Ok(());
        }
        job.begin();
        let key = &self.keys[job.point.0 as usize];
        let line = format!("set {key} {}\n", job.value.as_f64().unwrap());
        let _ = self.ask(stream, &line).await?;
        io.statistics().wrote();
        job.answer(WriteAnswer::Applied { verified: false });
        Ok(())
    }

    /// One request and its answer; `None` if the device has no such key.
    async fn ask(&self, stream: &mut TcpStream, line: &str) -> Result<Option<f64>, SessionEnd> {
        let request = async {
            stream.write_all(line.as_bytes()).await?;
            let mut answer = Vec::new();
            while answer.last() != Some(&b'\n') && answer.len() < ANSWER_BYTES_MAX {
                answer.push(stream.read_u8().await?);
            }
            Ok::<_, std::io::Error>(answer)
        };
        let patience = match self.fault {
            "waits for ever" => Duration::from_secs(3600),
            _ => REQUEST_TIMEOUT,
        };
        let answer = tokio::time::timeout(patience, request).await;
        let answer = answer.map_err(|_| SessionEnd::lost("timeout", "no answer"))?;
        let answer = answer.map_err(|error| SessionEnd::lost("closed", error.to_string()))?;
        match String::from_utf8_lossy(&answer).trim() {
            "none" => Ok(None),
            text => {
                let number = text
                    .strip_prefix("ok ")
                    .and_then(|number| number.parse().ok());
                let garbage = || SessionEnd::lost("garbage", "the device answers nonsense");
                number.map(Some).ok_or_else(garbage)
            }
        }
    }
}

impl Adapter for LineAdapter {
    fn session<'a>(&'a mut self, io: &'a mut AdapterIo) -> BoxFuture<'a, Result<(), SessionEnd>> {
        Box::pin(self.serve(io))
    }
}
