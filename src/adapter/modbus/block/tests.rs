//! The planner: examples, and what holds for any endpoints.

use proptest::prelude::*;

use super::*;

const REACH: Reach = Reach {
    size_max: 120,
    gap_max: 8,
};

fn members(spans: &[(u16, u16)]) -> Vec<Member> {
    let span = |&(start, count): &(u16, u16)| Span { start, count };
    spans.iter().map(span).enumerate().collect()
}

fn spans(blocks: &[Arc<Block>]) -> Vec<(u16, u16)> {
    blocks
        .iter()
        .map(|block| (block.span.start, block.span.count))
        .collect()
}

fn planned(spans_given: &[(u16, u16)], barriers: &Barriers) -> Vec<(u16, u16)> {
    spans(&plan(&members(spans_given), REACH, barriers))
}

#[test]
fn neighbours_share_a_request() {
    let open = Barriers::default();
    assert_eq!(planned(&[(10, 2), (0, 4), (4, 6)], &open), [(0, 12)]);
    assert_eq!(
        planned(&[(0, 1), (9, 1)], &open),
        [(0, 10)],
        "a gap of 8 is read"
    );
    assert_eq!(
        planned(&[(0, 1), (10, 1)], &open),
        [(0, 1), (10, 1)],
        "a gap of 9 is not"
    );
    assert_eq!(
        planned(&[(0, 100), (100, 20), (120, 1)], &open),
        [(0, 120), (120, 1)]
    );
    assert_eq!(planned(&[(5, 1), (5, 1), (5, 2)], &open), [(5, 2)]);
    assert_eq!(
        planned(&[(0, 125), (125, 1)], &open),
        [(0, 125), (125, 1)],
        "longer than reach"
    );
    assert_eq!(
        planned(&[(65_535, 1), (65_530, 4)], &open),
        [(65_530, 6)],
        "the last address"
    );
    assert_eq!(planned(&[], &open), []);
}

#[test]
fn barriers_are_kept() {
    let hole = Span { start: 3, count: 1 };
    let barriers = Barriers {
        cuts: vec![],
        holes: vec![hole],
    };
    assert_eq!(
        planned(&[(0, 1), (1, 1), (5, 1), (6, 1)], &barriers),
        [(0, 2), (5, 2)]
    );
    let barriers = Barriers {
        cuts: vec![5],
        holes: vec![],
    };
    assert_eq!(
        planned(&[(0, 1), (4, 1), (5, 1), (6, 1)], &barriers),
        [(0, 5), (5, 2)]
    );
    let barriers = Barriers {
        cuts: vec![1],
        holes: vec![hole],
    };
    assert_eq!(
        planned(&[(0, 4)], &barriers),
        [(0, 4)],
        "a member is never divided"
    );
}

#[test]
fn without_batches_only_equal_addresses_share() {
    let reach = Reach {
        size_max: 0,
        gap_max: 0,
    };
    let blocks = plan(
        &members(&[(0, 1), (1, 1), (1, 1)]),
        reach,
        &Barriers::default(),
    );
    assert_eq!(spans(&blocks), [(0, 1), (1, 1)]);
    assert_eq!(blocks[1].members.len(), 2);
}

#[test]
fn a_refused_block_is_split_at_its_largest_gap() {
    let block = |spans: &[(u16, u16)]| Block::of(&members(spans)).unwrap();
    let (left, right, cut) = block(&[(0, 1), (1, 1), (2, 1), (7, 1)]).split().unwrap();
    assert_eq!((left.span.count, right.span.start, cut), (3, 7, 7));
    let (left, right, cut) = block(&[(0, 1), (1, 1), (2, 1), (3, 1)]).split().unwrap();
    assert_eq!((left.members.len(), right.members.len(), cut), (2, 2, 2));
    assert!(block(&[(0, 9)]).split().is_none());
}

fn any_members() -> impl Strategy<Value = Vec<Member>> {
    let span = (0_u16..400, 1_u16..9).prop_map(|(start, count)| Span { start, count });
    proptest::collection::vec(span, 0..60).prop_map(|spans| spans.into_iter().enumerate().collect())
}

fn any_barriers() -> impl Strategy<Value = Barriers> {
    let hole = (0_u16..400, 1_u16..4).prop_map(|(start, count)| Span { start, count });
    let holes = proptest::collection::vec(hole, 0..4);
    (proptest::collection::vec(0_u16..400, 0..4), holes)
        .prop_map(|(cuts, holes)| Barriers { cuts, holes })
}

proptest! {
    #[test]
    fn everybody_is_read_once_and_no_limit_is_broken(
        members in any_members(),
        barriers in any_barriers(),
        size_max in 1_u16..126,
        gap_max in 0_u16..20,
    ) {
        let blocks = plan(&members, Reach { size_max, gap_max }, &barriers);
        let mut served: Vec<Member> =
            blocks.iter().flat_map(|block| block.members.clone()).collect();
        served.sort_unstable();
        prop_assert_eq!(served, members);
        for block in &blocks {
            for (_, span) in &block.members {
                prop_assert!(block.span.start <= span.start && span.end() <= block.span.end());
            }
            let alone = block.members.iter().all(|(_, span)| *span == block.span);
            prop_assert!(alone || (block.span.count <= size_max && barriers.allow(block.span)));
        }
    }

    /// Reads a device on which some addresses do not exist, as a session does: after a few
    /// cycles the good members are read, the bad ones are named, and nothing is refused any more.
    #[test]
    fn refusals_converge(
        members in any_members(),
        missing in proptest::collection::btree_set(0_u16..408, 0..12),
        quantity_max in 8_u16..60,
    ) {
        use crate::learned::Learned;
        use mainstem_model::{Monotonic, Reason};
        let exists = |span: Span| {
            (span.start..span.start + span.count).all(|address| !missing.contains(&address))
        };
        let accepted = |span: Span| span.count <= quantity_max && exists(span);
        let mut learned = Learned::default();
        let mut refusals = [0; 16];
        for refused in &mut refusals {
            let good: Vec<Member> =
                members.iter().filter(|(index, _)| !learned.is_bad(*index)).copied().collect();
            let mut open: Vec<Block> = plan(&good, REACH, &learned.barriers())
                .iter()
                .map(|block| Block::clone(block))
                .collect();
            while let Some(block) = open.pop() {
                if accepted(block.span) {
                    learned.answered(&block);
                    continue;
                }
                *refused += 1;
                let alone = block.members.iter().all(|(_, span)| *span == block.span);
                match block.split() {
                    Some((left, right, cut)) if !alone => {
                        learned.divided(block.span, cut);
                        open.extend([right, left]);
                    }
                    _ => for member in &block.members {
                        learned.refused(*member, Reason::BadAddress, Monotonic::default());
                    },
                }
            }
        }
        for (index, span) in &members {
            prop_assert_eq!(learned.is_bad(*index), !accepted(*span), "{:?}", span);
        }
        prop_assert_eq!(refusals[15], 0, "{:?}", refusals);
    }
}
