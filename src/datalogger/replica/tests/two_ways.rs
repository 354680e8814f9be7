//! A series that comes by two ways, of which one has let go what the other still has.

use mainstem_wire::LogGone;

use super::held_up::{rows, series};
use super::*;

fn desk(folder: &std::path::Path) -> (Arc<Desk>, Arc<dyn Sink>) {
    let node = Node::open(NodeId(Uuid::from_u128(1)), folder.to_owned(), Vec::new());
    (node.desk, node.sink)
}

/// A way whose remote has thirty rows of the series.
async fn way(desk: &Arc<Desk>, remote: &str) -> Arc<Intake> {
    let way = desk.intake(Naming {
        remote: remote.into(),
        prefix: Name::new(remote).unwrap(),
        is_prefixed: true,
    });
    let told = LogLine {
        series: vec![series()],
        have: vec![(7, vec![(1, 30)])],
        ..LogLine::default()
    };
    way.line(told).await.unwrap();
    way
}

fn gone(from: u64, to: u64) -> LogLine {
    LogLine {
        gone: vec![LogGone {
            id: 7,
            from,
            to,
            cause: "retention".into(),
            hop: NodeId(Uuid::from_u128(9)),
            after: None,
            before: None,
        }],
        ..LogLine::default()
    }
}

fn wanted(intake: &Intake) -> Vec<(u64, u64)> {
    let wants = intake.wants(1 << 20).map(|wants| wants.want);
    let wants = wants.unwrap_or_default();
    wants.iter().map(|want| (want.from, want.to)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_way_let_go_comes_by_the_other() {
    let folder = TempDir::new().unwrap();
    let (desk, sink) = desk(folder.path());
    let (left, right) = (&way(&desk, "left").await, &way(&desk, "right").await);
    let id = sink.list()[0].0;
    left.answered(gone(1, 20)).await.unwrap();
    assert_eq!(sink.held(id).unwrap(), [], "nothing is given up");
    assert_eq!(
        (wanted(left), wanted(right)),
        (vec![(21, 30)], vec![(1, 30)])
    );
    let answer = LogLine {
        rows: vec![rows(6..=30)],
        ..LogLine::default()
    };
    right.answered(answer).await.unwrap();
    assert_eq!((wanted(left), wanted(right)), (vec![], vec![(1, 5)]));
    assert_eq!(sink.gaps(&GapQuery::of(id)).unwrap(), []);
    // What neither has is a gap, and nobody is asked for it again.
    right.answered(gone(1, 5)).await.unwrap();
    assert_eq!(sink.watermark(id).unwrap(), 30);
    let gaps = sink.gaps(&GapQuery::of(id)).unwrap();
    let ranges: Vec<_> = gaps.iter().map(|(_, gap)| gap.rows).collect();
    assert_eq!(ranges, [Some((1, 5))]);
    assert_eq!((wanted(left), wanted(right)), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_ended_is_not_waited_for() {
    let folder = TempDir::new().unwrap();
    let (desk, sink) = desk(folder.path());
    let (left, right) = (way(&desk, "left").await, way(&desk, "right").await);
    let id = sink.list()[0].0;
    left.answered(gone(1, 30)).await.unwrap();
    assert_eq!(wanted(&left), []);
    drop(right);
    assert_eq!(wanted(&left), [(1, 30)], "it is asked for again");
    left.answered(gone(1, 30)).await.unwrap();
    assert_eq!(sink.watermark(id).unwrap(), 30);
}
