//! The part of Kafka's protocol that an adapter needs, without any I/O: requests and their answers,
//! batches of records, the log-in. One version of each request is spoken, that of Kafka 1.0, which
//! brokers up to 4.x understand.

pub(crate) mod batch;
pub(crate) mod codes;
pub(crate) mod compression;
pub(crate) mod crc32c;
pub(crate) mod fetch;
pub(crate) mod metadata;
pub(crate) mod offsets;
pub(crate) mod partitioner;
pub(crate) mod produce;
pub(crate) mod scram;
pub(crate) mod wire;
