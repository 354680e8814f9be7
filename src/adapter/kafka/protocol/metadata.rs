//! Which topics there are, and which broker leads each partition. Request 3, version 4.

use std::collections::BTreeMap;

use super::wire::{Malformed, Reader, Write};

pub(crate) const KEY: i16 = 3;
pub(crate) const VERSION: i16 = 4;

/// The cluster at one moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// Address and port of each broker.
    pub(crate) brokers: BTreeMap<i32, (String, u16)>,
    pub(crate) topics: Vec<Topic>,
}

/// A topic.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) code: i16,
    /// One of the brokers' own.
    pub(crate) is_internal: bool,
    pub(crate) partitions: Vec<Partition>,
}

/// A partition and its leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) index: i32,
    pub(crate) leader: i32,
    pub(crate) code: i16,
}

/// Asks for topics; all of them where none are named. None is made by being asked for.
pub(crate) fn request(topics: Option<&[String]>) -> Vec<u8> {
    let mut body = Vec::new();
    match topics {
        Some(topics) => body.put_len(topics.len()),
        None => body.put_i32(-1),
    }
    for topic in topics.unwrap_or_default() {
        body.put_text(topic);
    }
    body.put_i8(0);
    body
}

/// Reads the answer.
pub(crate) fn answer(bytes: &[u8]) -> Result<Metadata, Malformed> {
    let mut reader = Reader::new(bytes);
    let _throttle = reader.i32()?;
    let mut found = Metadata::default();
    for _ in 0..reader.count()? {
        let (id, host, port) = (reader.i32()?, reader.text()?, reader.i32()?);
        let _rack = reader.nullable_text()?;
        let port = u16::try_from(port).map_err(|_| Malformed("a port is none"))?;
        found.brokers.insert(id, (host.to_owned(), port));
    }
    let (_cluster, _controller) = (reader.nullable_text()?, reader.i32()?);
    for _ in 0..reader.count()? {
        found.topics.push(topic(&mut reader)?);
    }
    Ok(found)
}

fn topic(reader: &mut Reader<'_>) -> Result<Topic, Malformed> {
    let code = reader.i16()?;
    let name = reader.text()?.to_owned();
    let is_internal = reader.i8()? != 0;
    let mut partitions = Vec::new();
    for _ in 0..reader.count()? {
        let (code, index, leader) = (reader.i16()?, reader.i32()?, reader.i32()?);
        for _ in 0..2 {
            // Replicas, and those in sync.
            let count = reader.count()?;
            reader.take(count.saturating_mul(4))?;
        }
        partitions.push(Partition {
            index,
            leader,
            code,
        });
    }
    partitions.sort_by_key(|partition| partition.index);
    Ok(Topic {
        name,
        code,
        is_internal,
        partitions,
    })
}
