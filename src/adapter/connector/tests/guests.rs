//! The program of the conformance suite as one that comes: started here, its lines carried to the
//! adapter's door, as the API carries them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use mainstem_adapter::{Door, Visitor};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

/// Programs that come again and again. Dropping them ends them.
#[derive(Default)]
pub(super) struct Guests {
    tasks: parking_lot::Mutex<tokio::task::JoinSet<()>>,
}

impl Guests {
    /// Comes to a door until the test is over.
    pub(super) fn come(&self, door: &Arc<Door>, folder: &Path, mode: &'static str) {
        let (door, folder) = (Arc::clone(door), folder.to_owned());
        self.tasks.lock().spawn(async move {
            loop {
                visit(&door, &folder, mode).await;
                tokio::task::yield_now().await;
            }
        });
    }
}

fn program(folder: &Path, mode: &str) -> Child {
    let home = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    Command::new("python3")
        .arg(home.join("tests/peer.py"))
        .args([folder.as_os_str(), mode.as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn visit(door: &Door, folder: &Path, mode: &str) {
    let mut child = program(folder, mode);
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let Ok(Some(hello)) = lines.next_line().await else {
        return;
    };
    let Ok(mut visitor) = door.enter(hello.into()) else {
        return;
    };
    let speaker = door.speaker(&visitor.key);
    let says = async {
        while let (Some(speaker), Ok(Some(line))) = (&speaker, lines.next_line().await) {
            if !speaker.say(line.into()).await {
                return;
            }
        }
    };
    tokio::select! {
        () = says => {}
        () = obey(&mut visitor, &mut input) => {}
    }
}

async fn obey(visitor: &mut Visitor, input: &mut tokio::process::ChildStdin) {
    while let Some(order) = visitor.told().await {
        if input.write_all(&order).await.is_err() {
            return;
        }
    }
}
