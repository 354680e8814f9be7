//! What a neighbour's stream brought: line by line, and since the start.

/// What a line brought, for the link's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Rows that were changes.
    pub changes: usize,
    /// Entries that the neighbour had lost or conflated.
    pub missed: u64,
    /// The place up to which everything is applied, if the line said so.
    pub applied: Option<u64>,
}

/// Counters of one mirror, for its page in the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MirrorCounters {
    /// Snapshots that were begun.
    pub snapshots: u64,
    /// Streams that went on behind a cursor.
    pub resumes: u64,
    /// How often somebody asked to begin again with a snapshot.
    pub resyncs: u64,
    /// Rows that arrived.
    pub rows: u64,
    /// Rows that were changes here.
    pub changes: u64,
    /// Entries that the neighbour reported as evicted or conflated.
    pub missed: u64,
    /// Datapoints left out: a name too long, a limit, another owner.
    pub left_out: u64,
    /// Sources pruned because they came from this node or too far.
    pub looped: u64,
    /// Values that did not have their declared type.
    pub bad_values: u64,
    /// Aliases of the neighbour left out: circles, too many, no valid names.
    pub aliases_left_out: u64,
    /// Events that were carried up.
    pub events: u64,
    /// Events that were not: too many wait, too large, or too far.
    pub events_refused: u64,
}
