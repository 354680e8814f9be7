//! The table against a model that knows nothing of its indexes, with random orders of open, reply,
//! doubled reply, timeout and cancel.

use std::collections::BTreeMap;

use mainstem_model::Monotonic;
use proptest::prelude::*;
use uuid::Uuid;

use super::{ENDED_MAX, NoMatch, NodeKey, NotOpened, Open, Table};
use crate::TransactionId;

const OPEN_MAX: usize = 8;
const OF_NODE_MAX: usize = 5;

#[derive(Clone, Debug)]
enum Step {
    Open { id: u8, node: u8, wait: u8 },
    Reply { id: u8, node: u8 },
    Cancel { id: u8 },
    Pass { time: u8 },
    Leave { node: u8 },
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..20u8, 0..3u8, 1..30u8).prop_map(|(id, node, wait)| Step::Open { id, node, wait }),
        8 => (0..20u8, 0..3u8).prop_map(|(id, node)| Step::Reply { id, node }),
        3 => (0..20u8).prop_map(|id| Step::Cancel { id }),
        3 => (0..20u8).prop_map(|time| Step::Pass { time }),
        1 => (0..3u8).prop_map(|node| Step::Leave { node }),
        1 => Just(Step::Close),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Open { node: u8, deadline: u64 },
    Ended { node: u8, answered: bool },
}

/// What every id is, and nothing else.
#[derive(Default)]
struct Model {
    ids: BTreeMap<u8, State>,
    is_closed: bool,
}

impl Model {
    fn open(&self, of: Option<u8>) -> Vec<u8> {
        let fits = |state: &State| match state {
            State::Open { node, .. } => of.is_none_or(|of| of == *node),
            State::Ended { .. } => false,
        };
        self.ids
            .iter()
            .filter(|(_, state)| fits(state))
            .map(|(id, _)| *id)
            .collect()
    }

    fn end(&mut self, id: u8, answered: bool) {
        if let Some(state) = self.ids.get_mut(&id)
            && let State::Open { node, .. } = *state
        {
            *state = State::Ended { node, answered };
        }
    }

    fn reply(&self, id: u8, by: u8) -> Result<(), NoMatch> {
        match self.ids.get(&id) {
            None => Err(NoMatch::Unknown),
            Some(State::Open { node, .. } | State::Ended { node, .. }) if *node != by => {
                Err(NoMatch::Foreign)
            }
            Some(State::Open { .. }) => Ok(()),
            Some(State::Ended { answered: true, .. }) => Err(NoMatch::Doubled),
            Some(State::Ended { .. }) => Err(NoMatch::Late),
        }
    }
}

fn id(number: u8) -> TransactionId {
    TransactionId(Uuid::from_u128(u128::from(number) + 1))
}

fn number(id: TransactionId) -> u8 {
    u8::try_from(id.0.as_u128() - 1).unwrap()
}

fn at(time: u64) -> Monotonic {
    Monotonic::from_micros(1 + time)
}

fn open(number: u8, node: u8, deadline: u64) -> Open<()> {
    Open {
        id: id(number),
        node: NodeKey(u64::from(node)),
        deadline: at(deadline),
        waiter: (),
    }
}

fn numbers(open: &[Open<()>]) -> Vec<u8> {
    let mut numbers: Vec<u8> = open.iter().map(|open| number(open.id)).collect();
    numbers.sort_unstable();
    numbers
}

/// Both do a step, and agree on what came of it.
fn take(table: &mut Table<()>, model: &mut Model, now: &mut u64, armed: &mut u64, step: &Step) {
    match *step {
        Step::Open { id, node, wait } => {
            // An id is used once: they are random.
            if model.ids.contains_key(&id) {
                return;
            }
            let deadline = *now + u64::from(wait);
            let found = table.open(open(id, node, deadline));
            let is_full =
                model.open(None).len() >= OPEN_MAX || model.open(Some(node)).len() >= OF_NODE_MAX;
            match (model.is_closed, is_full) {
                (true, _) => assert_eq!(found, Err(NotOpened::Closed)),
                (_, true) => assert_eq!(found, Err(NotOpened::Full)),
                _ => {
                    assert_eq!(found, Ok(deadline < *armed));
                    *armed = deadline.min(*armed);
                    model.ids.insert(id, State::Open { node, deadline });
                }
            }
        }
        Step::Reply { id: number, node } => {
            let found = table.reply(NodeKey(u64::from(node)), id(number));
            assert_eq!(
                found.map(|open| assert_eq!(open.id, id(number))),
                model.reply(number, node)
            );
            if model.reply(number, node).is_ok() {
                model.end(number, true);
            }
        }
        Step::Cancel { id: number } => {
            let was_open = model.open(None).contains(&number);
            assert_eq!(table.cancel(id(number)).is_some(), was_open);
            model.end(number, false);
        }
        Step::Pass { time } => {
            *now += u64::from(time);
            pass(table, model, *now);
            let next = table.arm();
            let expected = model.ids.values().filter_map(|state| match state {
                State::Open { deadline, .. } => Some(*deadline),
                State::Ended { .. } => None,
            });
            let expected = expected.min();
            assert_eq!(next, expected.map(at));
            *armed = expected.unwrap_or(u64::MAX);
        }
        Step::Leave { node } => {
            let left = table.take(Some(NodeKey(u64::from(node))));
            assert_eq!(numbers(&left), model.open(Some(node)));
            for number in numbers(&left) {
                model.end(number, false);
            }
        }
        Step::Close => {
            table.close();
            model.is_closed = true;
        }
    }
}

fn pass(table: &mut Table<()>, model: &mut Model, now: u64) {
    let mut late = Vec::new();
    loop {
        let some = table.expire(at(now), 2);
        assert!(some.len() <= 2);
        if some.is_empty() {
            break;
        }
        late.extend(some);
    }
    let due = |id: &u8| matches!(model.ids[id], State::Open { deadline, .. } if deadline <= now);
    let expected: Vec<u8> = model.open(None).into_iter().filter(due).collect();
    assert_eq!(numbers(&late), expected);
    assert!(late.is_sorted_by_key(|open| open.deadline));
    for number in expected {
        model.end(number, false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]
    #[test]
    fn the_table_does_what_the_model_does(steps in prop::collection::vec(step(), 0..120)) {
        let mut table = Table::new(OPEN_MAX, OF_NODE_MAX);
        let (mut model, mut now, mut armed) = (Model::default(), 0, u64::MAX);
        for step in &steps {
            take(&mut table, &mut model, &mut now, &mut armed, step);
            let open: Vec<u8> = table.iter().map(|open| number(open.id)).collect();
            prop_assert_eq!(open.len(), table.len());
            let mut sorted = open;
            sorted.sort_unstable();
            prop_assert_eq!(sorted, model.open(None));
            for node in 0..3 {
                let of_node = table.len_of(NodeKey(u64::from(node)));
                prop_assert_eq!(of_node, model.open(Some(node)).len());
            }
        }
    }
}

#[test]
fn what_is_remembered_of_ended_ones_is_bounded() {
    let mut table = Table::new(10, 10);
    let key = NodeKey(0);
    let many = u128::try_from(ENDED_MAX).unwrap() + 10;
    let id = |number: u128| TransactionId(Uuid::from_u128(number));
    for number in 0..many {
        let open = Open {
            id: id(number),
            node: key,
            deadline: at(1),
            waiter: (),
        };
        table.open(open).unwrap();
        table.reply(key, id(number)).unwrap();
    }
    assert_eq!(
        table.reply(key, id(many - 1)).unwrap_err(),
        NoMatch::Doubled
    );
    assert_eq!(table.reply(key, id(0)).unwrap_err(), NoMatch::Unknown);
    assert_eq!(
        (table.ended.len(), table.ended_order.len()),
        (ENDED_MAX, ENDED_MAX)
    );
}
