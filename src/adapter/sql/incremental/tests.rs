//! Rows that come once, whatever order and whatever restarts.

use serde_json::json;

use super::*;

fn plan(start: Json, lookback: u32) -> IncrementalPlan {
    let given = Incremental {
        column: "id".into(),
        start,
        lookback,
    };
    IncrementalPlan::new(&given, 100).unwrap()
}

fn rows(ids: &[i64]) -> Vec<Vec<Cell>> {
    ids.iter().map(|id| vec![Cell::Int(*id)]).collect()
}

fn take(plan: &IncrementalPlan, ids: &[i64], position: &mut Position) -> Vec<i64> {
    let columns = ["id".to_owned()];
    let (fresh, next) = plan.take(&columns, rows(ids), position).unwrap();
    // Kept and read again, as across a restart.
    let kept = serde_json::to_vec(&next).unwrap();
    *position = plan.begin(serde_json::from_slice(&kept).ok());
    let id = |row: &Vec<Cell>| match row[0] {
        Cell::Int(id) => id,
        _ => unreachable!(),
    };
    fresh.iter().map(id).collect()
}

#[test]
fn each_row_is_told_once() {
    let plan = plan(json!(0), 0);
    let mut position = plan.begin(None);
    assert!(!position.has_begun);
    assert_eq!(take(&plan, &[1, 2, 5], &mut position), [1, 2, 5]);
    assert_eq!(plan.parameter(&position), Param::Int(5));
    assert_eq!(take(&plan, &[], &mut position), [0_i64; 0]);
    assert_eq!(
        take(&plan, &[5, 6], &mut position),
        [6],
        "a query that says >="
    );
    assert!(position.has_begun);
}

#[test]
fn what_was_committed_late_is_found_within_the_lookback() {
    let plan = plan(json!(0), 10);
    let mut position = plan.begin(None);
    assert_eq!(take(&plan, &[1, 3, 4], &mut position), [1, 3, 4]);
    assert_eq!(plan.parameter(&position), Param::Int(-6));
    assert_eq!(take(&plan, &[1, 2, 3, 4, 20], &mut position), [2, 20]);
    assert_eq!(plan.parameter(&position), Param::Int(10));
    assert_eq!(take(&plan, &[11, 20], &mut position), [11]);
    assert_eq!(take(&plan, &[11, 20], &mut position), [0_i64; 0]);
    assert!(position.told.len() <= 11, "nothing is remembered for ever");
}

#[test]
fn rows_that_do_not_grow_are_refused() {
    let plan = plan(json!(0), 0);
    let position = plan.begin(None);
    let columns = ["id".to_owned()];
    for ids in [[2, 1], [1, 1]] {
        let taken = plan.take(&columns, rows(&ids), &position);
        assert_eq!(taken, Err(Disorder::NotGrowing("id".into())));
    }
    let other = plan.take(&["x".to_owned()], rows(&[1]), &position);
    assert_eq!(other, Err(Disorder::NoColumn("id".into())));
    let null = plan.take(&columns, vec![vec![Cell::Null]], &position);
    assert_eq!(null, Err(Disorder::NoKey("id".into())));
}

#[test]
fn another_start_begins_anew() {
    let before = plan(json!(0), 0);
    let mut position = before.begin(None);
    take(&before, &[7], &mut position);
    let same = plan(json!(0), 5).begin(Some(position.clone()));
    assert_eq!(same, position);
    let other = plan(json!(100), 0);
    assert_eq!(
        other.parameter(&other.begin(Some(position.clone()))),
        Param::Int(100)
    );
    let time = plan(json!("2026-01-01"), 0);
    assert_eq!(
        time.parameter(&time.begin(Some(position))),
        Param::Text("2026-01-01".into())
    );
}

#[test]
fn lookbacks_that_could_stand_still_are_refused() {
    let given = |start: Json, lookback| Incremental {
        column: "id".into(),
        start,
        lookback,
    };
    assert!(IncrementalPlan::new(&given(json!(0), 100), 100).is_err());
    assert!(IncrementalPlan::new(&given(json!("2026-01-01"), 1), 100).is_err());
    assert!(IncrementalPlan::new(&given(json!(null), 0), 100).is_err());
    assert!(IncrementalPlan::new(&given(json!(0.5), 0), 100).is_err());
}
