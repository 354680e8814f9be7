//! Devices that mean harm, or are broken beyond what a decent one is (H23 to H25): each is refused
//! under a name that is counted, and none of its values is taken.

use std::time::Duration;

use mainstem_adapter::AdapterSpec;
use mainstem_adapter::conformance::Rig as Runner;
use mainstem_adapter_modbus::KIND;
use mainstem_model::{Reason, Value};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_modbus::ExceptionCode;

use crate::device::Device;
use crate::rig::{PATIENCE, Shared, idle, read, started};

/// A sound answer to a read of one register, which holds this.
fn answer(request: &[u8], word: u8) -> Vec<u8> {
    vec![
        request[0], request[1], 0, 0, 0, 5, request[6], request[7], 2, 0, word,
    ]
}

/// A device that serves each connection by itself; it is told the connection's number, from 0 on.
struct Stranger {
    port: u16,
    _task: JoinSet<()>,
}

impl Stranger {
    async fn new<F>(serve: impl Fn(usize, TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut open = JoinSet::new();
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                open.spawn(serve(number, stream));
            }
        });
        Self { port, _task: task }
    }
}

async fn request(stream: &mut TcpStream) -> Option<[u8; 12]> {
    let mut request = [0; 12];
    stream.read_exact(&mut request).await.ok()?;
    Some(request)
}

fn one_register() -> Vec<mainstem_adapter::EndpointSpec> {
    vec![read(json!({ "fc": 3, "address": 0 }))]
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_never_taken_for_the_next_one() {
    // What the old connection asked is answered on the new one, word for word: with a value that
    // nobody may see. Both requests are the first of their connections, to the same register.
    let old = Shared::<Vec<u8>>::default();
    let stranger = Stranger::new(move |number, mut stream| {
        let old = old.clone();
        async move {
            while let Some(asked) = request(&mut stream).await {
                let told = match number {
                    0 if old.lock().is_empty() => answer(&asked, 7),
                    // The second connection brings what the first one was asked last.
                    1 => old.lock().clone(),
                    _ => answer(&asked, 8),
                };
                if number == 0 {
                    // From the second request on this one says nothing.
                    let first = old.lock().is_empty();
                    *old.lock() = answer(&asked, 66);
                    if !first {
                        continue;
                    }
                }
                stream.write_all(&told).await.unwrap();
            }
        }
    })
    .await;
    let mut rig = started(stranger.port, &json!({}), one_register());
    let end = rig.ended().await.unwrap_err();
    assert_eq!(end.code(), "invalid_answer", "{end}");
    assert_eq!(rig.seen().value(0), None, "it was in doubt, and stays so");
    // The next session begins on a connection of its own, whose numbers are others again.
    rig.start();
    let seen = rig.until("a value", |seen| seen.value(0).is_some()).await;
    assert_eq!(seen.value(0), Some(&Value::UInt(8)));
}

#[tokio::test]
async fn the_same_first_request_of_the_next_connection_has_another_number() {
    let numbers = Shared::<Vec<[u8; 2]>>::default();
    let seen = numbers.clone();
    let stranger = Stranger::new(move |_, mut stream| {
        let seen = seen.clone();
        async move {
            // The first request is read, and the connection closed.
            if let Some(asked) = request(&mut stream).await {
                seen.lock().push([asked[0], asked[1]]);
            }
        }
    })
    .await;
    let mut rig = idle(stranger.port, &json!({}), one_register());
    for _ in 0..20 {
        rig.start();
        assert_eq!(rig.ended().await.unwrap_err().code(), "connection_closed");
    }
    let mut numbers = numbers.lock().clone();
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!((count, numbers.len()), (20, 20));
}

#[tokio::test]
async fn answers_in_pieces_and_byte_by_byte_are_put_together() {
    for size in [1, 2, 5, 7] {
        let stranger = Stranger::new(move |_, mut stream| async move {
            while let Some(asked) = request(&mut stream).await {
                for piece in answer(&asked, 7).chunks(size) {
                    if stream.write_all(piece).await.is_err() {
                        return;
                    }
                    // Each piece is on its way before the next one is written.
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        })
        .await;
        let options = json!({ "socketTimeout": 5000 });
        let mut rig = started(stranger.port, &options, one_register());
        let seen = rig.until("values", |seen| seen.good(0) > 3).await;
        assert_eq!(seen.value(0), Some(&Value::UInt(7)), "{size} bytes a time");
        assert_eq!(seen.online, 1);
    }
}

#[tokio::test]
async fn an_answer_byte_by_byte_that_takes_for_ever_ends_by_the_time_out() {
    let stranger = Stranger::new(|_, mut stream| async move {
        while let Some(asked) = request(&mut stream).await {
            for byte in answer(&asked, 7) {
                // H24: each byte comes in time, the whole never does.
                tokio::time::sleep(Duration::from_millis(100)).await;
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
            }
        }
    })
    .await;
    let mut rig = started(stranger.port, &json!({}), one_register());
    let end = rig.ended().await.unwrap_err();
    assert_eq!(end.code(), "timeout", "{end}");
    assert_eq!(rig.seen().good(0), 0);
}

#[tokio::test]
async fn what_nobody_asked_for_is_refused() {
    // It guesses the numbers of the requests to come, and answers them before they are sent: at
    // once, or together with an answer that was asked for.
    for is_early in [true, false] {
        let stranger = Stranger::new(move |number, mut stream| async move {
            let guess = |count: u8| {
                let mark = u8::try_from(number).unwrap();
                answer(&[mark, count, 0, 0, 0, 6, 1, 3], 66)
            };
            if is_early {
                stream.write_all(&guess(0)).await.unwrap();
                // The node has it before it asks.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            while let Some(asked) = request(&mut stream).await {
                let told = [answer(&asked, 7), guess(asked[1] + 1)].concat();
                stream.write_all(&told).await.unwrap();
            }
        })
        .await;
        let endpoints = vec![read(json!({ "fc": 3, "address": 0, "interval": 300 }))];
        let mut rig = started(stranger.port, &json!({}), endpoints);
        if is_early {
            // The first request may have left before the first answer came; the second has not.
            let end = rig.ended().await.unwrap_err();
            assert_eq!(end.code(), "invalid_answer", "{end}");
        } else {
            let end = rig.ended().await.unwrap_err();
            assert_eq!(end.code(), "invalid_answer", "{end}");
            assert_eq!(rig.seen().value(0), Some(&Value::UInt(7)));
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_within_an_answer_is_lost() {
    for length in [1, 6, 7, 9, 10] {
        let stranger = Stranger::new(move |_, mut stream| async move {
            if let Some(asked) = request(&mut stream).await {
                stream
                    .write_all(&answer(&asked, 7)[..length])
                    .await
                    .unwrap();
            }
        })
        .await;
        let mut rig = started(stranger.port, &json!({}), one_register());
        let end = rig.ended().await.unwrap_err();
        let expected = ["invalid_answer", "connection_closed"];
        assert!(expected.contains(&end.code()), "{length} bytes: {end}");
        assert_eq!(rig.seen().good(0), 0, "{length} bytes");
    }
}

#[tokio::test]
async fn a_storm_of_exceptions_settles() {
    let device = Device::with(0..100).await;
    let endpoints: Vec<_> = (0..100)
        .map(|at| read(json!({ "fc": 3, "address": at })))
        .collect();
    let storms = [
        (ExceptionCode::IllegalDataAddress, Reason::BadAddress),
        (ExceptionCode::ServerDeviceBusy, Reason::DeviceError),
        (ExceptionCode::IllegalFunction, Reason::DeviceError),
        (ExceptionCode::new(0x77), Reason::DeviceError),
    ];
    for (exception, reason) in storms {
        device.plc.lock().exceptions.insert(1, exception);
        device.forget();
        let mut rig = started(device.port, &json!({}), endpoints.clone());
        let all =
            move |seen: &crate::rig::Seen| (0..100).all(|point| seen.reason(point) == Some(reason));
        rig.until("all bad", all).await;
        let asked = device.reads(1).len();
        assert!(
            asked < 300,
            "{exception}: {asked} requests for 100 addresses"
        );
        assert!(rig.statistics.snapshot().errors.values().sum::<u64>() > 0);
        device.plc.lock().exceptions.clear();
        rig.stopped().await;
    }
}

#[tokio::test]
async fn what_is_refused_is_counted_under_its_name() {
    let stranger = Stranger::new(|_, mut stream| async move {
        while let Some(mut asked) = request(&mut stream).await {
            asked[0] ^= 0x80;
            if stream.write_all(&answer(&asked, 7)).await.is_err() {
                return;
            }
        }
    })
    .await;
    let spec = AdapterSpec {
        name: "plc".into(),
        connection: json!({ "host": "127.0.0.1", "port": stranger.port, "socketTimeout": 1000 }),
        endpoints: one_register(),
        folder: "unused".into(),
        home: std::path::PathBuf::new(),
    };
    let runner = Runner::start(KIND, spec);
    let begun = std::time::Instant::now();
    let count = || {
        let errors = runner.runner.view().statistics.errors;
        errors.get("invalid_answer").copied().unwrap_or_default()
    };
    while count() < 3 {
        assert!(begun.elapsed() < PATIENCE, "{:?}", runner.runner.view());
        tokio::task::yield_now().await;
    }
    let observed = runner.witness.observed();
    let point = observed.find("point").unwrap();
    assert!(
        !observed
            .quality(point)
            .is_some_and(|quality| quality.is_good())
    );
    runner.runner.stop().await;
}
