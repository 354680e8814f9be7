//! Tunnels that wait: alive, dead, claimed, too many.
#![allow(
    clippy::disallowed_methods,
    reason = "the tasks of a test end with its runtime"
)]

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;

const KEEPALIVE: Duration = Duration::from_millis(50);

fn view() -> TunnelView {
    TunnelView {
        from: SocketAddr::from(([10, 0, 0, 1], 5)),
        principal: "line1".into(),
        since: Timestamp::default(),
    }
}

/// The dialling end of a tunnel that waits at `line1`.
fn dialled(tunnels: &Tunnels) -> DuplexStream {
    let (near, far) = tokio::io::duplex(1024);
    let place = tunnels.place("line1", view()).unwrap();
    place.keep(async { Some(far) }, KEEPALIVE, || true);
    near
}

async fn until(is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "it does not come"
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn signs_of_life_are_answered_and_do_not_disturb_the_turn() {
    let tunnels = Tunnels::default();
    let queue = tunnels.open("line1");
    let mut near = dialled(&tunnels);
    queue.arrived().await;
    near.write_all(&[STILL]).await.unwrap();
    assert_eq!(near.read_u8().await.unwrap(), STILL);
    let taking = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.take().await }
    });
    // A sign of life crosses the wish to begin.
    assert_eq!(near.read_u8().await.unwrap(), BEGIN);
    near.write_all(&[STILL, BEGIN, b'x']).await.unwrap();
    let (mut io, from) = taking.await.unwrap().unwrap();
    assert_eq!(from, view().from);
    assert_eq!(io.read_u8().await.unwrap(), b'x');
    assert!(queue.views().is_empty());
    tunnels.stop().await;
}

#[tokio::test]
async fn a_dead_tunnel_is_noticed_and_the_next_is_taken() {
    let tunnels = Tunnels::default();
    let queue = tunnels.open("line1");
    let _silent = dialled(&tunnels);
    until(|| queue.views().len() == 1).await;
    until(|| queue.views().is_empty()).await;
    let mut alive = dialled(&tunnels);
    until(|| queue.views().len() == 1).await;
    let dead = dialled(&tunnels);
    until(|| queue.views().len() == 2).await;
    drop(dead);
    let taking = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.take().await }
    });
    assert_eq!(alive.read_u8().await.unwrap(), BEGIN);
    alive.write_all(&[BEGIN]).await.unwrap();
    assert!(taking.await.unwrap().is_some());
    assert!(queue.take().await.is_none());
}

#[tokio::test]
async fn tunnels_are_bounded_and_end_with_their_entry_or_their_token() {
    let tunnels = Tunnels::default();
    assert_eq!(
        tunnels.place("line1", view()).err(),
        Some(TunnelRefusal::NoEntry)
    );
    let queue = tunnels.open("line1");
    let places: Vec<_> = (0..WAITING_MAX)
        .map(|_| tunnels.place("line1", view()).unwrap())
        .collect();
    assert_eq!(
        tunnels.place("line1", view()).err(),
        Some(TunnelRefusal::Full)
    );
    drop(places);
    let (mut near, far) = tokio::io::duplex(64);
    let place = tunnels.place("line1", view()).unwrap();
    place.keep(async { Some(far) }, KEEPALIVE, || false);
    queue.arrived().await;
    near.write_all(&[STILL]).await.unwrap();
    assert!(near.read_u8().await.is_err(), "its token is void");
    let mut near = dialled(&tunnels);
    queue.arrived().await;
    tunnels.close("line1");
    assert!(near.read_u8().await.is_err());
}
