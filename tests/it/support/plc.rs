//! A Modbus TCP device of a few lines, which remembers every write and can withhold its answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What a write takes until its answer, as on a small PLC.
const WRITE_TIME: Duration = Duration::from_millis(5);

#[derive(Default)]
struct Memory {
    register: Mutex<u16>,
    written: Mutex<Vec<u16>>,
    mute_writes: AtomicBool,
}

/// The device: holding register 0, function codes 3, 6 and 16.
pub(crate) struct Plc {
    pub(crate) address: SocketAddr,
    memory: Arc<Memory>,
    _tasks: JoinSet<()>,
}

impl Plc {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let memory = Arc::new(Memory::default());
        let (mut tasks, of_all) = (JoinSet::new(), Arc::clone(&memory));
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(serve(stream, Arc::clone(&of_all)));
            }
        });
        Self {
            address,
            memory,
            _tasks: tasks,
        }
    }

    /// Every value that was written, in order.
    pub(crate) fn written(&self) -> Vec<u16> {
        self.memory.written.lock().clone()
    }

    /// Carries writes out from now on, but does not answer them.
    pub(crate) fn mute_writes(&self, mute: bool) {
        self.memory.mute_writes.store(mute, Ordering::SeqCst);
    }

    /// The resources of a node that has this device as `plc.setpoint`.
    pub(crate) fn resources(&self) -> String {
        format!(
            "  plc: {{ type: Connection, properties: {{ protocol: modbus, connection: {{ host: \
             127.0.0.1, port: {}, socketTimeout: 500 }} }} }}\n  setpoint: {{ type: Endpoint, \
             properties: {{ protocol: modbus, connection: !ref plc, subscribe: {{ fc: 3, address: \
             0, length: 1, dataType: uint16BE, interval: 100 }}, access: rw }} }}\n",
            self.address.port()
        )
    }
}

async fn serve(mut stream: TcpStream, memory: Arc<Memory>) {
    let mut head = [0; 7];
    while stream.read_exact(&mut head).await.is_ok() {
        let mut request = vec![0; usize::from(u16::from_be_bytes([head[4], head[5]])) - 1];
        if stream.read_exact(&mut request).await.is_err() {
            return;
        }
        let is_write = request[0] != 3;
        let answer = carry_out(&request, &memory);
        if is_write {
            tokio::time::sleep(WRITE_TIME).await;
        }
        if is_write && memory.mute_writes.load(Ordering::SeqCst) {
            continue;
        }
        let length = u16::try_from(answer.len() + 1).unwrap().to_be_bytes();
        let mut frame = vec![head[0], head[1], 0, 0, length[0], length[1], head[6]];
        frame.extend(answer);
        if stream.write_all(&frame).await.is_err() {
            return;
        }
    }
}

fn carry_out(request: &[u8], memory: &Memory) -> Vec<u8> {
    let write = |high: u8, low: u8| {
        let value = u16::from_be_bytes([high, low]);
        *memory.register.lock() = value;
        memory.written.lock().push(value);
    };
    match request {
        [3, ..] => {
            let [high, low] = memory.register.lock().to_be_bytes();
            vec![3, 2, high, low]
        }
        [6, _, _, high, low] => {
            write(*high, *low);
            request.to_vec()
        }
        [16, _, _, 0, 1, 2, high, low] => {
            write(*high, *low);
            request[..5].to_vec()
        }
        _ => vec![request[0] | 0x80, 1],
    }
}
