//! Programs that come and go.

use bytes::Bytes;

use super::{Door, LINES_WAITING_MAX, ORDER_BYTES_WAITING_MAX, ORDERS_WAITING_MAX, Taken};

fn line(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

#[tokio::test]
async fn lines_go_both_ways() {
    let door = Door::default();
    let mut visitor = door.enter(line("hello")).unwrap();
    door.knock().await;
    let mut visit = door.take().unwrap();
    assert_eq!(visit.line().await, Some(line("hello")));
    assert!(visit.tell(line("connect")));
    assert_eq!(visitor.told().await, Some(line("connect")));
    let speaker = door.speaker(&visitor.key).unwrap();
    assert!(speaker.say(line("connected")).await);
    assert_eq!(visit.line().await, Some(line("connected")));
    assert!(door.speaker("0000").is_none());
}

#[tokio::test]
async fn a_second_one_is_refused_until_the_first_has_left_or_was_dismissed() {
    let door = Door::default();
    let first = door.enter(line("1")).unwrap();
    assert_eq!(door.enter(line("2")).unwrap_err(), Taken);
    let key = first.key.clone();
    drop(first);
    assert!(door.speaker(&key).is_none());
    let mut second = door.enter(line("2")).unwrap();
    let visit = door.take().unwrap();
    assert_eq!(door.enter(line("3")).unwrap_err(), Taken);
    let speaker = door.speaker(&second.key).unwrap();
    drop(visit);
    assert_eq!(second.told().await, None);
    assert!(!speaker.say(line("late")).await);
    speaker.over().await;
    assert!(door.enter(line("3")).is_ok());
}

#[tokio::test]
async fn who_left_before_being_taken_up_is_forgotten() {
    let door = Door::default();
    drop(door.enter(line("1")).unwrap());
    assert!(door.take().is_none());
    let mut left = {
        let _visitor = door.enter(line("2")).unwrap();
        door.take().unwrap()
    };
    assert_eq!(
        left.line().await,
        Some(line("2")),
        "what was said first is heard"
    );
    assert_eq!(left.line().await, None);
}

#[tokio::test]
async fn a_program_that_reads_nothing_costs_no_memory() {
    let door = Door::default();
    let _visitor = door.enter(line("1")).unwrap();
    let visit = door.take().unwrap();
    let long = Bytes::from(vec![b'x'; ORDER_BYTES_WAITING_MAX + 1]);
    assert!(visit.tell(long), "one alone may be as long as it has to be");
    assert!(!visit.tell(line("more")));
    drop((_visitor, visit));
    let _visitor = door.enter(line("2")).unwrap();
    let visit = door.take().unwrap();
    let told = (0..2 * ORDERS_WAITING_MAX).take_while(|_| visit.tell(line("x")));
    assert_eq!(told.count(), ORDERS_WAITING_MAX);
}

#[tokio::test]
async fn a_program_that_says_too_much_waits() {
    let door = Door::default();
    let visitor = door.enter(line("0")).unwrap();
    let mut visit = door.take().unwrap();
    let speaker = door.speaker(&visitor.key).unwrap();
    for _ in 1..LINES_WAITING_MAX {
        assert!(speaker.say(line("x")).await);
    }
    let next = speaker.say(line("last"));
    tokio::pin!(next);
    assert!(futures_util::poll!(&mut next).is_pending());
    visit.line().await;
    assert!(next.await);
}
