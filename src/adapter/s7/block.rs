//! Which addresses are read together. Pure.

use std::sync::Arc;

use crate::address::Area;

/// Some neighbouring addresses of one area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    /// The area.
    pub(crate) area: Area,
    /// The data block, or 0.
    pub(crate) db: u16,
    /// The first byte, timer or counter.
    pub(crate) start: u32,
    /// How many.
    pub(crate) count: u32,
}

impl Span {
    /// The first address behind it.
    pub(crate) fn end(self) -> u32 {
        self.start + self.count
    }

    /// Bytes that it takes in an answer.
    pub(crate) fn bytes(self) -> usize {
        self.area.unit_bytes() * usize::try_from(self.count).unwrap_or(usize::MAX / 2)
    }

    fn joined(self, other: Self) -> Self {
        let start = self.start.min(other.start);
        let count = self.end().max(other.end()) - start;
        Self {
            start,
            count,
            ..self
        }
    }
}

/// A binding to be read: its index among the bindings, and where it stands.
pub(crate) type Member = (usize, Span);

/// One item of a request and the bindings that it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// What the item asks for.
    pub(crate) span: Span,
    /// Whom the answer is for.
    pub(crate) members: Vec<Member>,
}

impl Block {
    /// An item for one binding alone.
    pub(crate) fn single(member: Member) -> Self {
        Self {
            span: member.1,
            members: vec![member],
        }
    }

    /// Whether it was put together from several addresses.
    pub(crate) fn is_joined(&self) -> bool {
        self.members.iter().any(|(_, span)| *span != self.span)
    }
}

/// How far addresses are put together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    /// Bytes in one item.
    pub(crate) size_max: usize,
    /// Addresses between two members that nobody asked for.
    pub(crate) gap_max: u32,
}

/// The fewest items, from the lowest address up, that serve all members within the reach. A
/// member that is longer than the reach stands alone, as do those that have to.
pub(crate) fn plan(
    members: &[Member],
    reach: Reach,
    alone: impl Fn(usize) -> bool,
) -> Vec<Arc<Block>> {
    let mut sorted = members.to_vec();
    sorted.sort_unstable_by_key(|(index, span)| (*span, *index));
    let (apart, together): (Vec<Member>, Vec<Member>) =
        sorted.into_iter().partition(|(index, _)| alone(*index));
    let mut blocks: Vec<Block> = Vec::new();
    for member in together {
        match blocks.last_mut() {
            Some(block) if fits(block.span, member.1, reach) => {
                block.span = block.span.joined(member.1);
                block.members.push(member);
            }
            _ => blocks.push(Block::single(member)),
        }
    }
    blocks.extend(apart.into_iter().map(Block::single));
    blocks.into_iter().map(Arc::new).collect()
}

fn fits(block: Span, span: Span, reach: Reach) -> bool {
    if block == span {
        return true;
    }
    let gap = span.start.saturating_sub(block.end());
    (block.area, block.db) == (span.area, span.db)
        && gap <= reach.gap_max
        && block.joined(span).bytes() <= reach.size_max
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(db: u16, start: u32, count: u32) -> Span {
        let area = Area::Block;
        Span {
            area,
            db,
            start,
            count,
        }
    }

    #[test]
    fn neighbours_share_an_item_and_strangers_do_not() {
        let spans = [
            bytes(1, 0, 2),
            bytes(2, 2, 2),
            bytes(1, 6, 4),
            bytes(1, 2, 2),
            bytes(1, 40, 1),
        ];
        let members: Vec<Member> = spans.into_iter().enumerate().collect();
        let reach = Reach {
            size_max: 222,
            gap_max: 8,
        };
        let shape = |blocks: Vec<Arc<Block>>| -> Vec<(Span, usize)> {
            blocks
                .iter()
                .map(|block| (block.span, block.members.len()))
                .collect()
        };
        assert_eq!(
            shape(plan(&members, reach, |_| false)),
            [
                (bytes(1, 0, 10), 3),
                (bytes(1, 40, 1), 1),
                (bytes(2, 2, 2), 1)
            ]
        );
        assert_eq!(shape(plan(&members, reach, |index| index == 3)).len(), 4);
        let narrow = Reach {
            size_max: 4,
            gap_max: 8,
        };
        assert_eq!(
            shape(plan(&members, narrow, |_| false))[0],
            (bytes(1, 0, 4), 2)
        );
    }

    #[test]
    fn timers_take_two_bytes_each() {
        let span = |start| Span {
            area: Area::Timers,
            db: 0,
            start,
            count: 1,
        };
        let members = vec![(0, span(1)), (1, span(2)), (2, span(3))];
        let reach = Reach {
            size_max: 4,
            gap_max: 0,
        };
        let blocks = plan(&members, reach, |_| false);
        assert_eq!(blocks[0].span.bytes(), 4);
        assert_eq!(blocks.len(), 2);
    }
}
