//! Single requests on an open session. Each is a future that owns what it needs, so that several
//! can wait side by side while the session's own loop is polled.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mainstem_adapter::{Statistics, WriteAnswer, WriteJob};
use mainstem_model::{Clock, Monotonic};
use opcua::client::services::{Read, Write};
use opcua::client::{Session, UARequest};
use opcua::types::{
    AttributeId, DataValue, Error, NodeId, ReadValueId, StatusCode, TimestampsToReturn, Variant,
    WriteValue,
};

use super::failure;
use super::holding::Holding;
use super::structures::{Shape, Structures};
use super::to_device::NodeType;

/// What every request needs.
#[derive(Clone)]
pub(crate) struct Requests {
    /// The session.
    pub(crate) session: Arc<Session>,
    /// How long an answer may take.
    pub(crate) timeout: Duration,
    /// Where round trips are counted.
    pub(crate) statistics: Arc<Statistics>,
    /// For deadlines.
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether what was written is read back.
    pub(crate) read_back: bool,
    /// The server's own types.
    pub(crate) structures: Arc<Structures>,
}

/// What became of a write, for the session.
pub(crate) struct Written {
    /// The node's type, if it had to be read.
    pub(crate) learned: Option<Holding>,
    /// Whether the server did not want it.
    pub(crate) refused: bool,
    /// Set if the session is gone.
    pub(crate) fatal: Option<StatusCode>,
}

impl Requests {
    /// Values of nodes with their own stamps, one per node.
    pub(crate) async fn read_values(&self, nodes: Vec<NodeId>) -> Result<Vec<DataValue>, Error> {
        self.read_all(nodes.into_iter().map(ReadValueId::from).collect())
            .await
    }

    /// Attributes of nodes.
    pub(super) async fn read(
        &self,
        what: Vec<(NodeId, AttributeId)>,
    ) -> Result<Vec<DataValue>, Error> {
        let nodes = what.into_iter().map(|(node_id, attribute)| ReadValueId {
            node_id,
            attribute_id: attribute as u32,
            ..Default::default()
        });
        self.read_all(nodes.collect()).await
    }

    /// Whatever of nodes, one value for each.
    pub(crate) async fn read_all(&self, nodes: Vec<ReadValueId>) -> Result<Vec<DataValue>, Error> {
        let wanted = nodes.len();
        let started = Instant::now();
        let response = Read::new(&self.session)
            .timestamps_to_return(TimestampsToReturn::Source)
            .nodes_to_read(nodes)
            .timeout(self.timeout)
            .send(self.session.channel())
            .await?;
        self.statistics.answered(started.elapsed());
        let results = response.results.unwrap_or_default();
        if results.len() == wanted {
            return Ok(results);
        }
        let message = format!("{} answers to {wanted} reads", results.len());
        Err(Error::new(StatusCode::BadUnknownResponse, message))
    }

    /// Carries out a write and answers it, whatever happens.
    pub(crate) async fn write(
        &self,
        mut job: WriteJob,
        spot: ReadValueId,
        known: Option<Holding>,
    ) -> Written {
        let mut written = Written {
            learned: None,
            refused: false,
            fatal: None,
        };
        let holding = match known {
            Some(known) => known,
            None => match self.holding(&spot.node_id).await {
                Ok(learned) => written.learned.insert(learned).clone(),
                Err((answer, status)) => {
                    written.fatal = status.filter(|status| failure::is_fatal(*status));
                    job.answer(answer);
                    return written;
                }
            },
        };
        let value = match holding.variant(&job.value, &spot, &self.structures) {
            Ok(value) => value,
            Err(message) => {
                let code = failure::name(StatusCode::BadTypeMismatch).to_owned();
                job.answer(WriteAnswer::Refused { code, message });
                return written;
            }
        };
        let left = job.deadline.since(self.clock.monotonic());
        if left.is_zero() {
            job.answer(WriteAnswer::NotSent {
                message: "its deadline has passed".into(),
            });
            return written;
        }
        job.begin();
        // The server is told how long we wait, so that it may drop what it finds later.
        let sent = self.send_write(spot.clone(), value.clone(), left.min(self.timeout));
        match sent.await {
            Ok(status) => {
                self.statistics.wrote();
                if !status.is_good() {
                    written.refused = true;
                    self.statistics.failed(failure::name(status));
                }
                let verified = status.is_good() && self.is_there(spot, &value, job.deadline).await;
                job.answer(match failure::written(status) {
                    WriteAnswer::Applied { .. } => WriteAnswer::Applied { verified },
                    refused => refused,
                });
            }
            Err(error) => {
                written.fatal = Some(error.status()).filter(|status| failure::is_fatal(*status));
                // What ends the session is counted by the runner.
                if written.fatal.is_none() {
                    self.statistics.failed(failure::name(error.status()));
                }
                job.answer(failure::write_failed(&error));
            }
        }
        written
    }

    /// Whether the node has the value, as far as it can be read in time. The server has confirmed the
    /// write, so a read that fails takes nothing of that back.
    async fn is_there(&self, spot: ReadValueId, value: &Variant, deadline: Monotonic) -> bool {
        let left = deadline.since(self.clock.monotonic());
        if !self.read_back || left.is_zero() {
            return false;
        }
        let read = tokio::time::timeout(left, self.read_all(vec![spot])).await;
        let found = read.ok().and_then(Result::ok);
        let found = found.and_then(|mut values| values.pop());
        found.is_some_and(|found| {
            let is_same = found.value.is_some_and(|found| is_same(&found, value));
            is_same && found.status.unwrap_or_default().is_good()
        })
    }

    async fn send_write(
        &self,
        spot: ReadValueId,
        value: Variant,
        timeout: Duration,
    ) -> Result<StatusCode, Error> {
        let started = Instant::now();
        let response = Write::new(&self.session)
            .node(WriteValue {
                node_id: spot.node_id,
                attribute_id: AttributeId::Value as u32,
                index_range: spot.index_range,
                // Without stamps: many servers refuse a write that brings them.
                value: DataValue {
                    value: Some(value),
                    ..DataValue::null()
                },
            })
            .timeout(timeout)
            .send(self.session.channel())
            .await?;
        self.statistics.answered(started.elapsed());
        match response.results.unwrap_or_default()[..] {
            [status] => Ok(status),
            ref other => {
                let message = format!("{} answers to one write", other.len());
                Err(Error::new(StatusCode::BadUnknownResponse, message))
            }
        }
    }

    // Nothing has been sent that could change the device, so no answer here is `Unknown`.
    async fn holding(&self, node: &NodeId) -> Result<Holding, (WriteAnswer, Option<StatusCode>)> {
        let attributes = [
            AttributeId::DataType,
            AttributeId::ValueRank,
            AttributeId::Value,
        ];
        let what = attributes
            .map(|attribute| (node.clone(), attribute))
            .to_vec();
        let lost = |error: Error| {
            let message = format!("the node's type could not be read: {error}");
            (WriteAnswer::NotSent { message }, Some(error.status()))
        };
        let found = self.read(what).await.map_err(lost)?;
        let [data_type, value_rank, current] = &found[..] else {
            let message = "the node's type could not be read".to_owned();
            return Err((WriteAnswer::NotSent { message }, None));
        };
        let status = data_type.status.unwrap_or_default();
        if status.is_bad() {
            return Err((failure::refused(status), None));
        }
        let shape = match &data_type.value {
            Some(Variant::NodeId(id)) => self.shape(id).await.map_err(lost)?,
            _ => None,
        };
        let node = NodeType::learn(data_type, value_rank, current);
        Holding::new(node, value_rank, shape).ok_or_else(|| {
            let code = failure::name(StatusCode::BadTypeMismatch).to_owned();
            let message = "the node has a data type of its own and no value yet that would tell \
                           how to write it"
                .to_owned();
            (WriteAnswer::Refused { code, message }, None)
        })
    }

    /// The data type of a node, learned; `None` if it is a built-in one or not to be known.
    pub(crate) async fn own_shape(&self, node: NodeId) -> Result<Option<Arc<Shape>>, Error> {
        let found = self.read(vec![(node, AttributeId::DataType)]).await?.pop();
        match found.and_then(|found| found.value) {
            Some(Variant::NodeId(id)) => self.shape(&id).await,
            _ => Ok(None),
        }
    }
}

/// What is no number equals itself here.
fn is_same(one: &Variant, other: &Variant) -> bool {
    match (one, other) {
        (Variant::Double(one), Variant::Double(other)) => one.to_bits() == other.to_bits(),
        (Variant::Float(one), Variant::Float(other)) => one.to_bits() == other.to_bits(),
        (one, other) => one == other,
    }
}
