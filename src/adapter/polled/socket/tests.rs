//! Frames over real sockets: whole, half, late, and none.

use std::sync::Arc;

use tokio::net::TcpListener;

use super::*;

const PEER: Peer = Peer {
    device: "the PLC",
    near: "the router",
    identity: "a PLC",
    time_limit: "timeout",
    if_refused: "check host",
    if_unreachable: "check the route",
    if_failed: "check host",
};
const LIMIT: Duration = Duration::from_secs(30);

async fn pair(timeout: Duration) -> (Socket, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let trace = Trace::new(Arc::new(crate::conformance::TokioClock::default()));
    let socket = Socket::connect(("127.0.0.1", port), &PEER, timeout, trace);
    let (socket, accepted) = tokio::join!(socket, listener.accept());
    (socket.unwrap(), accepted.unwrap().0)
}

async fn frame(stream: &mut TcpStream) -> Result<Vec<u8>, CallError> {
    let [_, length] = read_head(stream, &PEER).await?;
    read_rest(stream, length.into()).await
}

#[tokio::test]
async fn an_answer_is_read_whole_and_the_connection_stays() {
    let (mut socket, mut device) = pair(LIMIT).await;
    for _ in 0..2 {
        device.write_all(&[0, 3, 7, 8, 9]).await.unwrap();
        assert_eq!(socket.exchange(&[1], frame).await, Ok(vec![7, 8, 9]));
    }
    let mut requests = [0; 2];
    device.read_exact(&mut requests).await.unwrap();
    assert_eq!(requests, [1, 1]);
}

#[tokio::test]
async fn half_a_frame_and_a_closed_connection_are_told_apart() {
    let (mut socket, mut device) = pair(LIMIT).await;
    device.write_all(&[0, 3, 7]).await.unwrap();
    device.shutdown().await.unwrap();
    let half = CallError::Invalid("half a frame arrived".to_owned());
    assert_eq!(socket.exchange(&[1], frame).await, Err(half));
    let gone = CallError::Closed("there is no connection".to_owned());
    assert_eq!(socket.exchange(&[1], frame).await, Err(gone));

    let (mut socket, mut device) = pair(LIMIT).await;
    device.shutdown().await.unwrap();
    let closed = CallError::Closed("the router closed the connection".to_owned());
    assert_eq!(socket.exchange(&[1], frame).await, Err(closed));
}

#[tokio::test]
async fn silence_costs_the_connection() {
    let (mut socket, _device) = pair(Duration::from_millis(20)).await;
    let answered = socket.exchange(&[1], frame).await;
    assert_eq!(answered, Err(CallError::Timeout));
    assert_eq!(socket.own_address(), None);
}
