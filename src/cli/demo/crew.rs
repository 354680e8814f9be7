//! The running nodes: in this process, or each in one of its own.

use std::fs::File;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::plan::SitePlan;
use crate::app::{Node, kinds};
use crate::cli::exit::{Exit, Failure};

/// How long a node of its own process may take to stop before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(15);
/// Processes that have ended and were not told yet: each node ends once.
const ENDED_MAX: usize = 8;

/// A process that has ended although nobody wanted it to.
pub(super) struct Ended {
    pub(super) name: &'static str,
    pub(super) pid: u32,
    pub(super) status: String,
}

/// The nodes that run.
pub(super) struct Crew {
    here: Vec<Node>,
    pids: Vec<(&'static str, u32)>,
    tasks: TaskTracker,
    stop: CancellationToken,
    tell: mpsc::Sender<Ended>,
    ended: mpsc::Receiver<Ended>,
}

impl Default for Crew {
    fn default() -> Self {
        let (tell, ended) = mpsc::channel(ENDED_MAX);
        Self {
            here: Vec::new(),
            pids: Vec::new(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            tell,
            ended,
        }
    }
}

impl Crew {
    /// Starts a node in this process.
    pub(super) async fn start_here(&mut self, site: &SitePlan) -> Result<(), Failure> {
        let name = site.node.name;
        let config = mainstem_config::load(&site.file(), kinds()).map_err(|problems| {
            Failure::new(
                Exit::Configuration,
                format!("the file of {name}:\n{problems}"),
            )
        })?;
        let node = Box::pin(Node::start(config)).await.map_err(|error| {
            Failure::new(
                Exit::Failure,
                format!("{name} cannot be started: {error:#}"),
            )
            .action("if its port is taken, choose others with --port")
        })?;
        self.here.push(node);
        self.pids.push((name, std::process::id()));
        Ok(())
    }

    /// Starts a node in a process of its own, which ends when this one does: it sees that its
    /// standard input is closed, however this process came to its end.
    pub(super) fn start_process(&mut self, site: &SitePlan) -> Result<(), Failure> {
        let name = site.node.name;
        let failed = |error: std::io::Error| {
            Failure::new(Exit::Failure, format!("the process of {name}: {error}"))
        };
        let program = std::env::current_exe().map_err(failed)?;
        let log = File::create(site.log()).map_err(failed)?;
        let child = Command::new(program)
            .args(["run", "--until-stdin-closes", "-c"])
            .arg(site.file())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            // Ctrl-C at the terminal is for the demo alone, which stops its nodes in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let pid = child.id().unwrap_or_default();
        self.pids.push((name, pid));
        let (stop, tell) = (self.stop.clone(), self.tell.clone());
        self.tasks.spawn(async move {
            if let Some(status) = watch(child, stop).await {
                // Nobody is there to be told once the demo is at its end.
                drop(tell.try_send(Ended { name, pid, status }));
            }
        });
        Ok(())
    }

    /// The process of a node.
    pub(super) fn pid(&self, name: &str) -> Option<u32> {
        self.pids
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, pid)| *pid)
    }

    /// The next process that ends by itself; never, where there are none.
    pub(super) async fn next_ended(&mut self) -> Ended {
        match self.ended.recv().await {
            Some(ended) => ended,
            None => std::future::pending().await,
        }
    }

    /// Stops all nodes, the last one first.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        while let Some(node) = self.here.pop() {
            node.stop().await;
        }
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Waits for a process. How it ended, if that was not wanted.
async fn watch(mut child: Child, stop: CancellationToken) -> Option<String> {
    tokio::select! {
        status = child.wait() => return Some(described(status)),
        () = stop.cancelled() => {}
    }
    drop(child.stdin.take());
    if tokio::time::timeout(STOP_PATIENCE, child.wait())
        .await
        .is_err()
    {
        // It fails only if the process has ended meanwhile.
        drop(child.kill().await);
    }
    None
}

fn described(status: std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}
