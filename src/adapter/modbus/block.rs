//! Which addresses are read together. Pure.

use std::sync::Arc;

/// Some neighbouring addresses of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    /// The first address.
    pub(crate) start: u16,
    /// How many; `start + count` is at most 65536.
    pub(crate) count: u16,
}

impl Span {
    /// The first address behind it.
    pub(crate) fn end(self) -> u32 {
        u32::from(self.start) + u32::from(self.count)
    }

    /// Whether the two share an address.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        u32::from(self.start) < other.end() && u32::from(other.start) < self.end()
    }

    /// Whether a boundary lies inside, so that reading this crosses it.
    pub(crate) fn crosses(self, boundary: u16) -> bool {
        self.start < boundary && u32::from(boundary) < self.end()
    }

    fn joined(self, other: Self) -> Self {
        let start = self.start.min(other.start);
        let count = self.end().max(other.end()) - u32::from(start);
        // A table has 65536 addresses; only a span of all of them does not fit, and no request
        // is that long.
        Self {
            start,
            count: u16::try_from(count).unwrap_or(u16::MAX),
        }
    }
}

/// A binding to be read: its index among the bindings, and where it stands.
pub(crate) type Member = (usize, Span);

/// One read request and the bindings that it serves, in the order of their addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// What the request asks for.
    pub(crate) span: Span,
    /// Whom the answer is for.
    pub(crate) members: Vec<Member>,
}

/// How far addresses are put together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    /// Addresses in one request.
    pub(crate) size_max: u16,
    /// Addresses between two members that nobody asked for.
    pub(crate) gap_max: u16,
}

/// What a device has taught: where requests must not go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Barriers {
    /// Boundaries that a request of several members must not cross.
    pub(crate) cuts: Vec<u16>,
    /// Addresses that a request of several members must not touch.
    pub(crate) holes: Vec<Span>,
}

impl Barriers {
    fn allow(&self, span: Span) -> bool {
        !self.cuts.iter().any(|cut| span.crosses(*cut))
            && !self.holes.iter().any(|hole| span.overlaps(*hole))
    }
}

impl Block {
    /// A request for one binding alone.
    pub(crate) fn single(member: Member) -> Self {
        Self {
            span: member.1,
            members: vec![member],
        }
    }

    /// Two halves of a block that the device refused, and the boundary between them. The largest
    /// gap is the most likely culprit; without gaps the middle halves the search.
    pub(crate) fn split(&self) -> Option<(Self, Self, u16)> {
        let middle = self.members.len() / 2;
        let mut best: Option<(u32, usize)> = None;
        let mut end = 0;
        for (index, (_, span)) in self.members.iter().enumerate() {
            let gap = u32::from(span.start).saturating_sub(end);
            let better = best.is_none_or(|(widest, at)| {
                gap > widest || (gap == widest && index.abs_diff(middle) < at.abs_diff(middle))
            });
            if index > 0 && better {
                best = Some((gap, index));
            }
            end = end.max(span.end());
        }
        let (_, at) = best?;
        let (left, right) = self.members.split_at(at);
        let cut = right.first()?.1.start;
        Some((Self::of(left)?, Self::of(right)?, cut))
    }

    fn of(members: &[Member]) -> Option<Self> {
        let spans = members.iter().map(|(_, span)| *span);
        Some(Self {
            span: spans.reduce(Span::joined)?,
            members: members.to_vec(),
        })
    }
}

/// The fewest requests, from the lowest address up, that serve all members within the reach and
/// the barriers. A member that is longer than the reach is read alone.
pub(crate) fn plan(members: &[Member], reach: Reach, barriers: &Barriers) -> Vec<Arc<Block>> {
    let mut sorted = members.to_vec();
    sorted.sort_unstable_by_key(|(index, span)| (*span, *index));
    let mut blocks: Vec<Block> = Vec::new();
    for member in sorted {
        let (_, span) = member;
        match blocks.last_mut() {
            Some(block) if fits(block.span, span, reach, barriers) => {
                block.span = block.span.joined(span);
                block.members.push(member);
            }
            _ => blocks.push(Block::single(member)),
        }
    }
    blocks.into_iter().map(Arc::new).collect()
}

fn fits(block: Span, span: Span, reach: Reach, barriers: &Barriers) -> bool {
    // The same addresses twice cost nothing, whatever the device thinks of them.
    if block == span {
        return true;
    }
    let joined = block.joined(span);
    let gap = u32::from(span.start).saturating_sub(block.end());
    joined.count <= reach.size_max && gap <= u32::from(reach.gap_max) && barriers.allow(joined)
}

#[cfg(test)]
mod tests;
