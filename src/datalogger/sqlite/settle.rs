//! The settling thread: staged rows become compressed blocks of one series each.

use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use mainstem_telemetry::{Problem, Severity};
use rusqlite::Connection;

use super::blocks::{self, Head};
use super::file::{Told, damaged, read_error};
use super::part::{Part, batch_mark, each_directory};
use super::queue::{Answered, Order};
use super::shared::Shared;
use super::swap::Swap;
use crate::codec::block::BLOCK_ROWS_MAX;
use crate::codec::staged::{self, Segment};
use crate::{Fault, Row, SeriesId, SinkError};

/// Rows of one step: what the thread holds in memory.
const STEP_ROWS: usize = 256 << 10;
/// Blocks of about the same size that are merged into one. Every row is so written about
/// `log8(BLOCK_ROWS_MAX / rows of a step)` times, and a series has few small blocks.
const FAN: usize = 8;
/// Blocks of this size are left alone.
const FULL_ROWS: u64 = BLOCK_ROWS_MAX as u64 / 2;
/// How long the thread sleeps when nothing calls it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Works until the store is closed, also after a defect.
pub(super) fn run(shared: &Shared) {
    while shared.guarded("settle", || work(shared)).is_none() {
        // What is staged is tried again when it is old enough, and nothing turns in a busy loop.
        shared.settling.staged(false);
        let mut state = shared.settling.state.lock();
        shared.settling.news.wait_for(&mut state, PATIENCE);
    }
}

fn work(shared: &Shared) {
    while !shared.settling.stopping.load(Ordering::Acquire) {
        shared.settling.rest(PATIENCE);
        let (wanted, due) = {
            let state = shared.settling.state.lock();
            #[cfg(test)]
            assert!(!state.defect.replace(false), "a defect on purpose");
            let aged = state.staged_since.map(|since| since.elapsed());
            let aged = aged.is_some_and(|age| age >= shared.config.settle_age);
            (
                state.wanted,
                state.due || aged || state.wanted > state.granted,
            )
        };
        let told = settle(shared, due);
        let mut state = shared.settling.state.lock();
        let mut failed = false;
        if let Err(error) = told {
            failed = true;
            tracing::warn!(store = %shared.config.name, %error, "staged rows stay staged for now");
            drop(state);
            tell(shared, &error);
            state = shared.settling.state.lock();
        } else if due {
            shared.health.clear(&shared.problem("settle"));
        }
        if due && !failed {
            state.granted = state.granted.max(wanted);
            shared.settling.news.notify_all();
        }
        if failed && shared.trouble.lock().is_some() && state.wanted > state.granted {
            // Waiting for a failed store would be a busy loop.
            shared.settling.news.wait_for(&mut state, PATIENCE);
        }
    }
}

/// Says that rows stay staged, unless the store says itself that it cannot write.
fn tell(shared: &Shared, error: &SinkError) {
    if shared.trouble.lock().is_some() || matches!(error, SinkError::Stopped) {
        return;
    }
    shared.health.raise(Problem {
        id: shared.problem("settle"),
        severity: Severity::High,
        source: format!("datalogger.{}", shared.config.name),
        text: format!(
            "Samples cannot be compressed: {error}. They stay as they came, which takes \
                       more room."
        ),
        action: "Check the disk; it is tried again each minute.".to_owned(),
    });
}

/// Settles the newest part if it is due, and closes older ones.
fn settle(shared: &Shared, due: bool) -> Told<()> {
    let parts = shared.part_list();
    let newest = parts.last().map_or(0, |part| part.number);
    if due {
        let mut state = shared.settling.state.lock();
        state.due = false;
        state.staged_since = None;
    }
    for part in parts {
        let known = part.known();
        let older = part.number != newest;
        if known.sealed || known.damage.is_some() || !(due || older) {
            continue;
        }
        let told = settle_part(shared, &part, older);
        if let Err(SinkError::Damaged { reason, path }) = &told {
            // The rest of the part stays readable; new rows go into a new one.
            part.set_damage(reason.clone());
            shared.report(Fault {
                file: path.clone(),
                reason: reason.clone(),
            });
        }
        told?;
    }
    Ok(())
}

fn settle_part(shared: &Shared, part: &Arc<Part>, last_time: bool) -> Told<()> {
    // What is staged meanwhile is for the next time.
    let end = part.figures().next_batch;
    while !shared.settling.stopping.load(Ordering::Acquire) {
        let swap = with_reader(part, |connection| step(part, connection))?;
        let begun = swap.filter(|swap| swap.batches.first().is_some_and(|batch| batch.0 < end));
        let Some(swap) = begun else {
            break;
        };
        order(shared, |answer| Order::Swap(Box::new(swap), answer))?;
    }
    if !last_time {
        return Ok(());
    }
    while let Some(swap) = with_reader(part, |connection| gather(part, connection))? {
        order(shared, |answer| Order::Swap(Box::new(swap), answer))?;
    }
    match order(shared, |answer| Order::Seal(Arc::clone(part), answer)) {
        // Somebody reads it still: there is another time.
        Err(SinkError::Read { .. }) => Ok(()),
        told => told,
    }
}

fn with_reader<T>(part: &Part, act: impl FnOnce(&Connection) -> Told<T>) -> Told<T> {
    let connection = part.borrow()?;
    let told = act(&connection);
    part.give_back(connection);
    told
}

/// Gives an order to the writing thread and waits for its answer.
pub(super) fn order(shared: &Shared, order: impl FnOnce(Answered) -> Order) -> Told<()> {
    let (answer, answered) = sync_channel(1);
    let given = shared.queue.order(order(answer));
    given.map_err(|_| SinkError::Stopped)?;
    answered.recv().unwrap_or(Err(SinkError::Stopped))
}

/// The oldest staged rows as blocks; nothing if none is staged.
fn step(part: &Arc<Part>, connection: &Connection) -> Told<Option<Swap>> {
    let mut swap = Swap::new(part);
    let mut chosen: Vec<(i64, Vec<Segment>)> = Vec::new();
    let mut planned = 0;
    each_directory(&part.path, connection, |id, segments, checksum| {
        let rows: usize = segments.iter().map(|segment| segment.rows).sum();
        if chosen.is_empty() || planned + rows <= STEP_ROWS {
            planned += rows;
            swap.batches.push((id, batch_mark(id, checksum)));
            chosen.push((id, segments.to_vec()));
        } else {
            // Later ones must not overtake: the next step begins with this one.
            planned = STEP_ROWS + 1;
        }
        Ok(())
    })?;
    if chosen.is_empty() {
        return Ok(None);
    }
    let mut fresh: BTreeMap<SeriesId, Vec<Row>> = BTreeMap::new();
    for (id, segments) in chosen {
        read_batch(part, connection, id, &segments, &mut fresh)?;
        for segment in segments {
            swap.rows += segment.rows as u64;
            let numbers = swap.numbers.entry(segment.series).or_default();
            numbers.absorb(&segment.numbers);
        }
    }
    for (series, rows) in fresh {
        let small = small_blocks(part, connection, series)?;
        let merged = to_merge(small, rows.len());
        swap.add(connection, rows, merged)?;
    }
    Ok(Some(swap))
}

pub(super) fn read_batch(
    part: &Part,
    connection: &Connection,
    id: i64,
    segments: &[Segment],
    fresh: &mut BTreeMap<SeriesId, Vec<Row>>,
) -> Told<()> {
    let mut statement = connection
        .prepare_cached("SELECT data FROM staging WHERE id = ?1")
        .map_err(read_error(&part.path))?;
    let data: Vec<u8> = statement
        .query_row([id], |row| row.get(0))
        .map_err(read_error(&part.path))?;
    for segment in segments.iter().filter(|segment| segment.rows > 0) {
        let bytes = data.get(segment.offset..segment.offset + segment.length);
        let rows = staged::get_segment(segment, bytes.unwrap_or_default()).map_err(|_| {
            damaged(
                &part.path,
                format!("staged rows {id} have a wrong checksum"),
            )
        })?;
        match fresh.entry(segment.series) {
            Entry::Vacant(place) => drop(place.insert(rows)),
            Entry::Occupied(mut place) => place.get_mut().extend(rows),
        }
    }
    Ok(())
}

/// Blocks of a series that are not full.
fn small_blocks(part: &Part, connection: &Connection, series: SeriesId) -> Told<Vec<Head>> {
    let heads = blocks::heads(connection, series, (i64::MIN, i64::MAX));
    let mut heads = heads.map_err(read_error(&part.path))?;
    heads.retain(|head| head.rows < FULL_ROWS);
    heads.sort_unstable_by_key(|head| head.rows);
    Ok(heads)
}

/// Which of the small blocks, sorted by their rows, are merged with fresh rows.
fn to_merge(mut small: Vec<Head>, fresh: usize) -> Vec<Head> {
    let (mut border, mut chosen) = (FAN as u64, 0);
    while border <= FULL_ROWS * FAN as u64 {
        let below = small.partition_point(|head| head.rows < border);
        let with_fresh = below + usize::from((fresh as u64) < border);
        if with_fresh >= FAN {
            chosen = below;
        }
        border *= FAN as u64;
    }
    small.truncate(chosen);
    small
}

/// The small blocks of some series merged, however few; nothing if no series has two.
fn gather(part: &Arc<Part>, connection: &Connection) -> Told<Option<Swap>> {
    let read = read_error(&part.path);
    let mut statement = connection
        .prepare_cached(
            "SELECT series, sum(rows) FROM block INDEXED BY block_of WHERE rows < ?1
             GROUP BY series HAVING count(*) > 1",
        )
        .map_err(&read)?;
    let mut found = statement.query([FULL_ROWS.cast_signed()]).map_err(&read)?;
    let mut swap = Swap::new(part);
    let mut rows = 0;
    while let Some(row) = found.next().map_err(&read)? {
        let series = SeriesId(row.get(0).map_err(&read)?);
        let count: i64 = row.get(1).map_err(&read)?;
        if rows > 0 && rows + count > STEP_ROWS as i64 {
            break;
        }
        rows += count;
        let small = small_blocks(part, connection, series)?;
        swap.add(connection, Vec::new(), small)?;
    }
    // Texts may keep two blocks from becoming one: without progress it ends.
    let progress = swap.blocks.len() < swap.merged.len();
    Ok(progress.then_some(swap))
}
