//! HistoryRead: recorded samples as they are, and the aggregates that are kept of them (part 11).

use std::sync::Arc;

use mainstem_model::ValueType;
use mainstem_security::Principal;
use opcua::server::ContinuationPoint;
use opcua::server::node_manager::HistoryNode;
use opcua::types::{
    DataValue, DateTime, HistoryData, NodeId, ReadProcessedDetails, ReadRawModifiedDetails,
    StatusCode, TimestampsToReturn, Variant,
};

use super::Space;
use super::attributes::stamped;
use super::place::Place;
use crate::history::{HistoryRow, HistorySlot, HistorySpan, Recorded};
use crate::limits::HISTORY_VALUES_MAX;
use crate::to_client;

mod aggregate;

use aggregate::{Aggregate, Grid};

/// Where rows that were too many for one answer go on.
struct Rest {
    after: (i64, u64),
    /// So many are still wanted, if the client said how many.
    left: Option<usize>,
}

/// Where aggregates that were too many for one answer go on.
struct GridRest(i64);

impl Space {
    /// Rows as they were recorded.
    pub(super) async fn read_raw(
        &self,
        user: &Principal,
        details: &ReadRawModifiedDetails,
        nodes: &mut [&mut HistoryNode],
        timestamps: TimestampsToReturn,
    ) -> Result<(), StatusCode> {
        if details.is_read_modified {
            return Err(StatusCode::BadHistoryOperationUnsupported);
        }
        for node in nodes {
            let status = match span(details) {
                Ok(span) => self.raw_of(user, details, span, node, timestamps).await,
                Err(status) => status,
            };
            node.set_status(status);
        }
        Ok(())
    }

    async fn raw_of(
        &self,
        user: &Principal,
        details: &ReadRawModifiedDetails,
        mut span: HistorySpan,
        node: &mut HistoryNode,
        timestamps: TimestampsToReturn,
    ) -> StatusCode {
        let (recorded, value_type) = match self.recorded(user, node.node_id()) {
            Ok(recorded) => recorded,
            Err(status) => return status,
        };
        let wanted = usize::try_from(details.num_values_per_node).unwrap_or(usize::MAX);
        let mut left = (wanted > 0).then_some(wanted);
        if let Some(point) = node.continuation_point() {
            let Some(rest) = point.get::<Rest>() else {
                return StatusCode::BadContinuationPointInvalid;
            };
            (span.after, left) = (Some(rest.after), rest.left);
        }
        let most = left.map_or(HISTORY_VALUES_MAX, |left| left.min(HISTORY_VALUES_MAX));
        // One more than is told shows whether there is more.
        span.limit = most.saturating_add(1);
        let history = Arc::clone(&self.history);
        let rows = tokio::task::spawn_blocking(move || history.rows(recorded, &span)).await;
        let Ok(Ok(mut rows)) = rows else {
            tracing::warn!(node = %node.node_id(), "recorded samples cannot be read");
            return StatusCode::BadUnexpectedError;
        };
        let has_more = rows.len() > most;
        rows.truncate(most);
        let left = left.map(|left| left - rows.len());
        let last = rows.last().map(|row| (row.time, row.row));
        if let Some(after) = last.filter(|_| has_more && left != Some(0)) {
            let rest = ContinuationPoint::new(Box::new(Rest { after, left }));
            node.set_next_continuation_point(Some(rest));
        }
        let values = rows
            .iter()
            .map(|row| stamped(told(row, value_type), timestamps));
        finish(node, values.collect())
    }

    /// The aggregates that the data loggers keep.
    pub(super) async fn read_processed(
        &self,
        user: &Principal,
        details: &ReadProcessedDetails,
        nodes: &mut [&mut HistoryNode],
        timestamps: TimestampsToReturn,
    ) -> Result<(), StatusCode> {
        let asked = details.aggregate_type.as_deref().unwrap_or_default();
        let Some(first) = asked.first() else {
            return Err(StatusCode::BadAggregateListMismatch);
        };
        // Each node has its own, or all have the same.
        let is_one_each = asked.len() == nodes.len();
        if !is_one_each && asked.iter().any(|other| other != first) {
            return Err(StatusCode::BadAggregateListMismatch);
        }
        for (number, node) in nodes.iter_mut().enumerate() {
            let kind = asked.get(number).filter(|_| is_one_each).unwrap_or(first);
            let status = match (Aggregate::parse(kind), Grid::of(details)) {
                (None, _) => StatusCode::BadAggregateNotSupported,
                (_, Err(status)) => status,
                (Some(kind), Ok(grid)) => {
                    self.processed_of(user, kind, grid, node, timestamps).await
                }
            };
            node.set_status(status);
        }
        Ok(())
    }

    async fn processed_of(
        &self,
        user: &Principal,
        kind: Aggregate,
        mut grid: Grid,
        node: &mut HistoryNode,
        timestamps: TimestampsToReturn,
    ) -> StatusCode {
        let (recorded, _) = match self.recorded(user, node.node_id()) {
            Ok(recorded) => recorded,
            Err(status) => return status,
        };
        if let Some(point) = node.continuation_point() {
            let Some(GridRest(from)) = point.get::<GridRest>() else {
                return StatusCode::BadContinuationPointInvalid;
            };
            grid.from = *from;
        }
        let Some(is_minutes) = grid.step(recorded.minutes) else {
            return StatusCode::BadHistoryOperationUnsupported;
        };
        let Some((until, slots_max)) = grid.part(is_minutes, HISTORY_VALUES_MAX) else {
            return StatusCode::BadHistoryOperationUnsupported;
        };
        let (history, from) = (Arc::clone(&self.history), grid.from);
        let slots = tokio::task::spawn_blocking(move || {
            history.slots(recorded, is_minutes, from, until, slots_max)
        });
        let Ok(Ok(slots)) = slots.await else {
            tracing::warn!(node = %node.node_id(), "what was recorded cannot be read");
            return StatusCode::BadUnexpectedError;
        };
        if until < grid.to {
            let rest = ContinuationPoint::new(Box::new(GridRest(until)));
            node.set_next_continuation_point(Some(rest));
        }
        let values = grid.fill(until, &slots, kind);
        finish(
            node,
            values
                .into_iter()
                .map(|value| stamped(value, timestamps))
                .collect(),
        )
    }

    fn recorded(&self, user: &Principal, id: &NodeId) -> Result<(Recorded, ValueType), StatusCode> {
        let point = match self.place(user, id) {
            Some(Place::Point(point)) => point,
            Some(_) => return Err(StatusCode::BadHistoryOperationUnsupported),
            None => return Err(StatusCode::BadNodeIdUnknown),
        };
        let recorded = self.history.recorded(point.name.as_str());
        let recorded = recorded.ok_or(StatusCode::BadHistoryOperationUnsupported)?;
        Ok((recorded, point.definition.value_type))
    }
}

fn finish(node: &mut HistoryNode, values: Vec<DataValue>) -> StatusCode {
    let is_empty = values.is_empty();
    node.set_result(HistoryData {
        data_values: Some(values),
    });
    if is_empty {
        StatusCode::GoodNoData
    } else {
        StatusCode::Good
    }
}

fn told(row: &HistoryRow, value_type: ValueType) -> DataValue {
    let time = mainstem_model::Timestamp::from_micros(row.time);
    DataValue {
        value: row
            .value
            .as_ref()
            .map(|value| to_client::variant(value, value_type)),
        status: Some(to_client::status(row.quality)),
        source_timestamp: Some(to_client::moment(time)),
        server_timestamp: Some(DateTime::now()),
        ..DataValue::default()
    }
}

/// The span of a request: two of its three members say which (part 11, 6.5.3).
fn span(details: &ReadRawModifiedDetails) -> Result<HistorySpan, StatusCode> {
    let (start, end) = (micros(details.start_time), micros(details.end_time));
    let (from, to, descending) = match (start, end) {
        (Some(start), Some(end)) if start <= end => (start, end.max(start + 1), false),
        // Backwards the start belongs to it, the end does not.
        (Some(start), Some(end)) => (end + 1, start + 1, true),
        (Some(start), None) if details.num_values_per_node > 0 => (start, i64::MAX, false),
        (None, Some(end)) if details.num_values_per_node > 0 => (i64::MIN, end + 1, true),
        _ => return Err(StatusCode::BadHistoryOperationInvalid),
    };
    Ok(HistorySpan {
        from,
        to,
        descending,
        after: None,
        limit: 0,
    })
}

/// A moment of a request, in microseconds; nothing if it was left out.
fn micros(moment: DateTime) -> Option<i64> {
    let ticks = moment.ticks();
    (ticks > 0).then(|| (ticks - to_client::TICKS_AT_1970).div_euclid(to_client::TICKS_PER_MICRO))
}

fn number(value: f64) -> Variant {
    Variant::Double(value)
}

fn sum_of(slots: &[HistorySlot], member: impl Fn(&HistorySlot) -> f64) -> f64 {
    slots.iter().map(member).sum()
}
