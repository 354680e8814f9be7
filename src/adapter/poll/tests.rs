//! The schedule under a clock that the test moves.

use super::*;

const START: u64 = 5_000_000;

fn at(ms: u64) -> Monotonic {
    Monotonic::from_micros(START + ms * 1000)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn polls(schedule: &mut PollSchedule, until_ms: u64) -> Vec<(usize, u64)> {
    let mut polls = Vec::new();
    while let Some(due) = schedule.next_due().filter(|&due| due <= at(until_ms)) {
        let poll = schedule.take_due(due).unwrap();
        assert_eq!((poll.due, poll.overruns), (due, 0));
        polls.push((poll.group, (due.micros() - START) / 1000));
    }
    polls
}

#[test]
fn equal_intervals_share_a_group() {
    let groups = poll_groups([ms(1000), ms(250), ms(1000), ms(0)]);
    let expected = [
        (POLL_INTERVAL_MIN, vec![3]),
        (ms(250), vec![1]),
        (ms(1000), vec![0, 2]),
    ];
    let expected = expected.map(|(interval, members)| PollGroup { interval, members });
    assert_eq!(groups, expected);
}

#[test]
fn all_are_due_at_once_and_then_spread() {
    let mut schedule = PollSchedule::new([ms(1000), ms(1000), ms(2000), ms(4000)], at(0));
    let polls = polls(&mut schedule, 8000);
    assert_eq!(polls[..4], [(0, 0), (1, 0), (2, 0), (3, 0)]);
    let mut moments: Vec<u64> = polls[4..].iter().map(|(_, moment)| *moment).collect();
    let count = moments.len();
    moments.dedup();
    assert_eq!(
        moments.len(),
        count,
        "after the start no two groups come due together"
    );
    for (group, interval) in [(0, 1000), (1, 1000), (2, 2000), (3, 4000)] {
        let own: Vec<u64> = polls.iter().filter(|p| p.0 == group).map(|p| p.1).collect();
        assert!(
            own.windows(2).all(|pair| pair[1] - pair[0] <= interval),
            "{group}: {own:?}"
        );
        assert!(
            own[1..]
                .windows(2)
                .all(|pair| pair[1] - pair[0] == interval)
        );
    }
}

#[test]
fn missed_polls_are_skipped_and_counted() {
    let mut schedule = PollSchedule::new([ms(100)], at(0));
    assert_eq!(schedule.take_due(at(0)).unwrap().overruns, 0);
    assert_eq!(schedule.take_due(at(99)), None);
    // A little late is no overrun, a quarter of the interval is the limit.
    assert_eq!(schedule.take_due(at(125)).unwrap().overruns, 0);
    assert_eq!(schedule.take_due(at(226)).unwrap().overruns, 1);
    // 300 is served at 555: 400 and 500 are skipped, and it is late itself.
    assert_eq!(schedule.take_due(at(555)).unwrap().overruns, 3);
    assert_eq!(schedule.take_due(at(555)), None);
    assert_eq!(schedule.next_due(), Some(at(600)));
    assert_eq!(schedule.take_due(at(600)).unwrap().overruns, 0);
}

#[test]
fn the_first_poll_may_wait_but_what_it_missed_counts() {
    let mut schedule = PollSchedule::new([ms(100)], at(0));
    assert_eq!(schedule.take_due(at(90)).unwrap().overruns, 0);
    schedule.restart(at(1000));
    assert_eq!(schedule.take_due(at(1250)).unwrap().overruns, 2);
    assert_eq!(schedule.next_due(), Some(at(1300)));
}

#[test]
fn a_slow_group_does_not_starve_the_others() {
    let mut schedule = PollSchedule::new([ms(10), ms(50)], at(0));
    let mut served = [0, 0];
    for turn in 0..20 {
        // Each poll takes 60 ms, longer than both intervals.
        served[schedule.take_due(at(turn * 60)).unwrap().group] += 1;
    }
    assert!(served[0] >= 8 && served[1] >= 8, "{served:?}");
}

#[test]
fn no_groups_are_never_due() {
    let mut schedule = PollSchedule::new([], at(0));
    assert_eq!(
        (schedule.next_due(), schedule.take_due(at(0))),
        (None, None)
    );
}

#[test]
fn absurd_intervals_do_not_overflow() {
    let mut schedule = PollSchedule::new([Duration::MAX, ms(10)], at(0));
    assert!(schedule.take_due(at(0)).is_some());
    assert_eq!(
        schedule
            .take_due(Monotonic::from_micros(u64::MAX))
            .unwrap()
            .due,
        at(0)
    );
}
