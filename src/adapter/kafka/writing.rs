//! Writes on their way to brokers, one after the other. A message is sent once: where no answer
//! comes, nobody can tell, and that is what is said.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mainstem_adapter::{Statistics, WriteAnswer, WriteJob};
use mainstem_model::Clock;

use crate::cluster::leader;
use crate::config::{Acks, Compression, Operation};
use crate::connection::{Connection, Dial};
use crate::fault::Fault;
use crate::protocol::batch::{self, Message};
use crate::protocol::metadata::{Metadata, Partition};
use crate::protocol::{codes, partitioner, produce};

/// What writes need, handed from one to the next.
pub(crate) struct Writer {
    dial: Dial,
    cluster: Arc<Metadata>,
    /// The brokers that were written to already.
    open: BTreeMap<(String, u16), Connection>,
    acks: Acks,
    timeout: Duration,
    turn: usize,
    clock: Arc<dyn Clock>,
    statistics: Arc<Statistics>,
}

/// One write.
pub(crate) struct Letter {
    pub(crate) job: WriteJob,
    pub(crate) operation: Operation,
    pub(crate) message: Message,
}

impl Writer {
    pub(crate) fn new(
        dial: Dial,
        cluster: Arc<Metadata>,
        acks: Acks,
        timeout: Duration,
        clock: Arc<dyn Clock>,
        statistics: Arc<Statistics>,
    ) -> Self {
        let open = BTreeMap::new();
        Self {
            dial,
            cluster,
            open,
            acks,
            timeout,
            turn: 0,
            clock,
            statistics,
        }
    }

    /// Carries a write out, and says whether the session can go on.
    pub(crate) async fn send(mut self, letter: Letter) -> Result<Self, Fault> {
        let Letter {
            mut job,
            operation,
            message,
        } = letter;
        let partition = match self.partition(&operation, &message) {
            Ok(partition) => partition,
            Err((code, message)) => {
                self.statistics.failed(code);
                let code = code.to_owned();
                job.answer(WriteAnswer::Refused { code, message });
                return Ok(self);
            }
        };
        let place = match leader(&self.cluster, &operation.topic, partition) {
            Ok(place) => place,
            // Dropped before it was begun, the job says that it was not sent.
            Err(fault) => return Err(fault),
        };
        let mut connection = match self.open.remove(&place) {
            Some(connection) => connection,
            None => self.dial.connect(&place).await?,
        };
        let sent = self.clock.monotonic();
        if sent >= job.deadline {
            self.open.insert(place, connection);
            return Ok(self);
        }
        let batch = batch::write(&message, operation.compression == Compression::Gzip);
        let acks = match self.acks {
            Acks::All => -1,
            Acks::Leader => 1,
        };
        let timeout_ms = i32::try_from(self.timeout.as_millis()).unwrap_or(i32::MAX);
        let index = partition.index;
        let body = produce::request(&operation.topic, index, &batch, acks, timeout_ms);
        job.begin();
        let request = (produce::KEY, produce::VERSION);
        let answer = connection.ask(request, &body, Duration::ZERO).await?;
        self.statistics.answered(self.clock.monotonic().since(sent));
        let told = produce::answer(&answer);
        let (code, _place) = told.map_err(|problem| connection.malformed(problem))?;
        self.statistics.wrote();
        if code == 0 {
            job.answer(WriteAnswer::Applied { verified: false });
            self.open.insert(place, connection);
            return Ok(self);
        }
        let word = codes::word(code);
        self.statistics.failed(word);
        let message = format!("the broker says {word} of {}", operation.topic);
        job.answer(match codes::is_unsure(code) {
            true => WriteAnswer::Unknown { message },
            false => WriteAnswer::Refused {
                code: word.to_owned(),
                message,
            },
        });
        match codes::is_of_cluster(code) {
            // Another broker leads it now: the next session knows which.
            true => Err(connection.says(code)),
            false => {
                self.open.insert(place, connection);
                Ok(self)
            }
        }
    }

    fn partition(
        &mut self,
        operation: &Operation,
        message: &Message,
    ) -> Result<Partition, (&'static str, String)> {
        let name = &operation.topic;
        let mut topics = self.cluster.topics.iter();
        let topic = topics.find(|topic| topic.name == *name);
        let topic = topic.ok_or_else(|| ("unknown_topic", format!("there is no topic {name}")))?;
        if topic.code != 0 {
            let word = codes::word(topic.code);
            return Err((word, format!("the broker says {word} of {name}")));
        }
        let all = &topic.partitions;
        let chosen = match (operation.partition, &message.key) {
            (Some(index), _) => all.iter().find(|partition| partition.index == index),
            (None, Some(key)) => all.get(partitioner::of_key(key, all.len())),
            (None, None) => {
                self.turn = self.turn.wrapping_add(1);
                all.get(self.turn % all.len().max(1))
            }
        };
        chosen.copied().ok_or_else(|| {
            let message = format!("{name} has {} partitions, not the one wanted", all.len());
            ("unknown_partition", message)
        })
    }
}
