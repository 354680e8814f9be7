//! Pulses: values that the owner takes back after a while, by the same way to the device. What
//! stands is noted on the disk, so that a node that crashed says which pulse it left standing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mainstem_journal::atomic_write;
use mainstem_model::{Monotonic, Name, Value, WriteId, WriteState};
use mainstem_store::{Order, Outcome, Target};
use mainstem_telemetry::{Health, Problem, Severity};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::check::shown;
use crate::office::Office;
use crate::reason;

/// The file in the data folder that tells which pulses stand.
pub const PULSES_FILE: &str = "pulses.json";
/// Pulses that stand at one time; a further one is refused.
const PULSES_MAX: usize = 256;
/// Bytes of the file that are read.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// The file is the node's own.
const FILE_MODE: u32 = 0o600;
const PROBLEM_FILE: &str = "writes.pulses";

/// A value to be taken back.
#[derive(Clone, Debug)]
pub(crate) struct Pulse {
    /// The write that it came with.
    pub(crate) id: WriteId,
    /// The datapoint.
    pub(crate) name: Name,
    /// What it goes back to.
    pub(crate) rest: Value,
    /// How long it stands.
    pub(crate) length: Duration,
}

/// One pulse as the file keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Standing {
    id: WriteId,
    rest: String,
    #[serde(skip)]
    phase: Phase,
    /// What was left standing before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Box<Standing>>,
}

/// How far a pulse is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Not confirmed by the device yet.
    Noted,
    /// It stands, and its reset is due.
    Armed,
    /// Nobody resets it any more; a person has to.
    #[default]
    Left,
}

type Table = BTreeMap<Name, Standing>;

/// The pulses that stand: one for each datapoint.
pub(crate) struct Pulses {
    path: PathBuf,
    standing: Mutex<Table>,
    /// Held while the file is written, so that the newest state is what lasts.
    file: tokio::sync::Mutex<()>,
    health: Health,
}

impl Pulses {
    /// Takes up what an earlier life of the node left standing, and says so: nobody asked for
    /// these values for so long, and nothing late is carried out on its own.
    pub(crate) fn open(folder: &Path, health: &Health) -> Self {
        let path = folder.join(PULSES_FILE);
        let standing = match read(&path) {
            Ok(table) => table,
            Err(error) => {
                health.raise(file_problem(&error, "cannot be read"));
                Table::new()
            }
        };
        for (name, left) in &standing {
            let text = format!(
                "The node stopped while a pulse of {name} stood: it may still stand, and should \
                 be {}",
                left.rest
            );
            health.raise(problem(name, &text, &left.rest));
        }
        Self {
            path,
            standing: Mutex::new(standing),
            file: tokio::sync::Mutex::new(()),
            health: health.clone(),
        }
    }

    /// Notes a pulse before it begins. A datapoint has one at a time.
    pub(crate) async fn note(&self, pulse: &Pulse) -> Result<(), (&'static str, String)> {
        self.enter(pulse)
            .map_err(|text| (reason::BUSY, text.to_owned()))?;
        let Err(error) = self.save().await else {
            return Ok(());
        };
        self.take_out(&pulse.name, pulse.id);
        let text = format!("the pulse was not carried out: it cannot be noted: {error}");
        Err((reason::JOURNAL, text))
    }

    fn enter(&self, pulse: &Pulse) -> Result<(), &'static str> {
        let mut standing = self.standing.lock();
        let before = standing.get(&pulse.name);
        if before.is_some_and(|before| before.phase != Phase::Left) {
            return Err("a pulse of this datapoint stands already");
        }
        if before.is_none() && standing.len() >= PULSES_MAX {
            return Err("too many pulses stand already");
        }
        let left = before.cloned().map(|left| Standing {
            before: None,
            ..left
        });
        let new = Standing {
            id: pulse.id,
            rest: shown(&pulse.rest),
            phase: Phase::Noted,
            before: left.map(Box::new),
        };
        standing.insert(pulse.name.clone(), new);
        Ok(())
    }

    /// Takes a pulse out that never stood; what was left before it stands as it did.
    fn take_out(&self, name: &Name, id: WriteId) {
        let mut standing = self.standing.lock();
        if standing.get(name).is_none_or(|found| found.id != id) {
            return;
        }
        let before = standing.remove(name).and_then(|found| found.before);
        if let Some(before) = before {
            standing.insert(name.clone(), *before);
        }
    }

    /// A pulse that the device or this node refused.
    pub(crate) async fn withdraw(&self, pulse: &Pulse) {
        self.take_out(&pulse.name, pulse.id);
        self.save_or_say().await;
    }

    /// The pulse that stands at a datapoint, if one does. A write that is handed over now and
    /// confirmed has the last word over it; one that was handed over before has not.
    pub(crate) fn standing(&self, name: &Name) -> Option<WriteId> {
        let standing = self.standing.lock();
        let found = standing.get(name)?;
        (found.phase != Phase::Noted).then_some(found.id)
    }

    /// A pulse does not stand any more.
    pub(crate) async fn forget(&self, name: &Name, id: WriteId) {
        let gone = {
            let mut standing = self.standing.lock();
            let fits = standing.get(name).is_some_and(|found| found.id == id);
            fits.then(|| standing.remove(name)).flatten().is_some()
        };
        if gone {
            self.health.clear(&problem_id(name));
            self.save_or_say().await;
        }
    }

    fn set_phase(&self, pulse: &Pulse, phase: Phase) {
        let mut standing = self.standing.lock();
        if let Some(found) = standing.get_mut(&pulse.name)
            && found.id == pulse.id
        {
            found.phase = phase;
        }
    }

    fn stands(&self, pulse: &Pulse) -> bool {
        self.standing(&pulse.name) == Some(pulse.id)
    }

    async fn save_or_say(&self) {
        if let Err(error) = self.save().await {
            // At worst the next start reports a pulse that was reset.
            self.health.raise(file_problem(&error, "cannot be written"));
        }
    }

    async fn save(&self) -> std::io::Result<()> {
        let _writing = self.file.lock().await;
        let bytes = serde_json::to_vec(&*self.standing.lock())?;
        let path = self.path.clone();
        let saved = tokio::task::spawn_blocking(move || atomic_write(&path, &bytes, FILE_MODE));
        saved.await.map_err(std::io::Error::other)??;
        self.health.clear(PROBLEM_FILE);
        Ok(())
    }

    fn failed(&self, pulse: &Pulse, why: &str, tries_on: bool) {
        let rest = shown(&pulse.rest);
        let goes_on = if tries_on {
            "it is tried again"
        } else {
            "it is not tried any more"
        };
        let text = format!(
            "The pulse of {} stands too long, it should be {rest}: {why}; {goes_on}",
            pulse.name
        );
        self.health.raise(problem(&pulse.name, &text, &rest));
    }
}

fn read(path: &Path) -> std::io::Result<Table> {
    use std::io::Read as _;
    let mut text = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(FILE_BYTES_MAX).read_to_end(&mut text)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Table::new()),
        Err(error) => return Err(error),
    };
    Ok(serde_json::from_slice(&text)?)
}

fn problem_id(name: &Name) -> String {
    format!("pulse.{name}")
}

fn problem(name: &Name, text: &str, rest: &str) -> Problem {
    Problem {
        id: problem_id(name),
        severity: Severity::High,
        source: name.to_string(),
        text: format!("{text}."),
        action: format!("Look at the device, and write {rest} to {name}; that ends this alarm."),
    }
}

fn file_problem(error: &std::io::Error, what: &str) -> Problem {
    Problem {
        id: PROBLEM_FILE.to_owned(),
        severity: Severity::High,
        source: "writes".to_owned(),
        text: format!("{PULSES_FILE}, which tells of pulses that stand, {what}: {error}."),
        action: "Look at the disk of the data folder, and at outputs that are pulsed.".to_owned(),
    }
}

impl Office {
    /// Takes a pulse back when its time is over.
    pub(crate) fn reset_later(self: &Arc<Self>, pulse: Pulse) {
        self.pulses.set_phase(&pulse, Phase::Armed);
        self.tasks.spawn(reset(Arc::clone(self), pulse));
    }

    /// One attempt, with the device's own answer.
    async fn try_reset(&self, pulse: &Pulse) -> Result<(), String> {
        let point = self.store.point(pulse.name.as_str());
        let point = point.ok_or_else(|| "the datapoint is gone".to_owned())?;
        let owner = self.store.owner_of(point.id);
        let owner = owner.ok_or_else(|| "nothing carries out writes for it now".to_owned())?;
        let (reply, answer) = oneshot::channel();
        let patience = self.config.reset_patience;
        let order = Order {
            id: WriteId(uuid::Uuid::new_v4()),
            target: Target::Point(point.id),
            name: pulse.name.clone(),
            value: pulse.rest.clone(),
            deadline: self.now().after(patience),
            originators: vec![self.originator("pulse")],
            pulse: None,
            reply,
        };
        let ordered = self.store.order(owner, order);
        ordered.map_err(|error| error.to_string())?;
        match tokio::time::timeout(patience + self.config.grace, answer).await {
            Ok(Ok(outcome)) if outcome.state == WriteState::Applied => Ok(()),
            Ok(Ok(outcome)) => Err(words(&outcome)),
            Ok(Err(_)) | Err(_) => Err("no outcome came".to_owned()),
        }
    }

    /// Waits, but not beyond the node's stop.
    async fn rest(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.stopping.cancelled() => {}
        }
    }

    fn gives_up(&self, begun: Monotonic) -> bool {
        self.stopping.is_cancelled() || self.now().since(begun) >= self.config.reset_for
    }
}

fn words(outcome: &Outcome) -> String {
    let said = outcome.message.clone().or_else(|| outcome.reason.clone());
    said.unwrap_or_else(|| format!("the reset is {}", outcome.state.as_str()))
}

/// A node that stops takes its pulses back at once: the adapters are still there then.
async fn reset(office: Arc<Office>, pulse: Pulse) {
    office.rest(pulse.length).await;
    let begun = office.now();
    // Another write that the device confirmed meanwhile has the last word.
    while office.pulses.stands(&pulse) {
        let last = office.gives_up(begun);
        match office.try_reset(&pulse).await {
            Ok(()) => {
                let moment = office.moment(None);
                office.trail.reset(&pulse, "applied", "", moment);
                office.pulses.forget(&pulse.name, pulse.id).await;
                return;
            }
            Err(why) => {
                office.pulses.failed(&pulse, &why, !last);
                if last {
                    office.pulses.set_phase(&pulse, Phase::Left);
                    let moment = office.moment(None);
                    office.trail.reset(&pulse, "failed", &why, moment);
                    return;
                }
            }
        }
        office.rest(office.config.reset_pause).await;
    }
}
