//! Tests of `learned`.

use super::*;

fn block(spans: &[(u16, u16)]) -> Block {
    let span = |&(start, count): &(u16, u16)| Span { start, count };
    let members: Vec<Member> = spans.iter().map(span).enumerate().collect();
    let (first, last) = (members[0].1, members[members.len() - 1].1);
    let count = u16::try_from(last.end()).unwrap() - first.start;
    Block {
        span: Span {
            start: first.start,
            count,
        },
        members,
    }
}

#[test]
fn a_bad_address_explains_the_boundaries_around_it() {
    let mut learned = Learned::default();
    let whole = block(&[(0, 1), (1, 1), (2, 1)]);
    learned.divided(whole.span, 1);
    learned.divided(
        Span {
            start: 500,
            count: 50,
        },
        520,
    );
    assert_eq!(learned.barriers().cuts, [1, 520]);
    let before = learned.version();
    learned.refused(whole.members[1], Reason::BadAddress, Monotonic::default());
    assert!(learned.version() > before);
    assert_eq!(
        learned.barriers().cuts,
        [520],
        "that one was needed for another reason"
    );
    assert_eq!(learned.barriers().holes, [Span { start: 1, count: 1 }]);
    assert_eq!(learned.bad().collect::<Vec<_>>(), [(1, Reason::BadAddress)]);
}

#[test]
fn bad_addresses_are_tried_again_now_and_then_and_few_at_a_time() {
    let mut learned = Learned::default();
    let spans: Vec<(u16, u16)> = (0..10).map(|start| (start, 1)).collect();
    let all = block(&spans);
    let start = Monotonic::from_micros(7);
    for member in &all.members {
        learned.refused(*member, Reason::BadAddress, start);
    }
    let early = start.after(RETRY_AFTER - Duration::from_millis(1));
    assert!(learned.retries(&all.members, early).is_empty());
    let later = start.after(RETRY_AFTER);
    let tried: Vec<usize> = (0..4)
        .flat_map(|_| learned.retries(&all.members, later))
        .map(|block| block.members[0].0)
        .collect();
    assert_eq!(
        tried,
        (0..10).collect::<Vec<_>>(),
        "each once, {RETRIES_PER_CYCLE} at a time"
    );
}

#[test]
fn one_recovered_address_gives_all_another_chance() {
    let mut learned = Learned::default();
    let all = block(&[(0, 1), (1, 1)]);
    for member in &all.members {
        learned.refused(*member, Reason::BadAddress, Monotonic::default());
    }
    let before = learned.version();
    assert!(learned.answered(&Block::single(all.members[1])));
    assert!(!learned.is_bad(0) && !learned.is_bad(1));
    assert!(learned.version() > before);
}

#[test]
fn a_failure_has_to_last_before_an_address_is_suspected() {
    let mut learned = Learned::default();
    let all = block(&[(0, 1), (1, 1)]);
    assert!(!learned.failed(all.span));
    assert!(!learned.failed(all.span));
    learned.answered(&all);
    assert!(!learned.failed(all.span));
    assert!(!learned.failed(all.span));
    assert!(learned.failed(all.span));
}

#[test]
fn the_memory_is_limited() {
    let mut learned = Learned::default();
    let whole = Span {
        start: 0,
        count: u16::MAX,
    };
    for at in 0..=u16::MAX {
        learned.divided(whole, at);
        if at % 8 == 0 {
            learned.failed(Span {
                start: at,
                count: 1,
            });
        }
        if usize::from(at) > CUTS_MAX + FAILING_MAX * 8 {
            break;
        }
    }
    assert_eq!(learned.cuts.len(), CUTS_MAX);
    assert!(learned.failures.len() <= FAILING_MAX);
}
