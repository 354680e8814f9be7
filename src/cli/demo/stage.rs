//! Everything that the demo has built up so far, so that it can be taken down at any moment.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use mainstem_model::Clock;
use mainstem_security::Identity;
use mainstem_telemetry::SystemClock;
use tempfile::TempDir;
use uuid::Uuid;

use super::crew::Crew;
use super::devices::Devices;
use super::files;
use super::plan::{NODES, Plan, SitePlan};
use super::show::{self, Progress};
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::Screen;

/// Says that a folder belongs to the demo, which may write over what is in it.
const MARK: &str = ".mainstem-demo";

/// What runs, and where.
#[derive(Default)]
pub(super) struct Stage {
    folder: Option<TempDir>,
    devices: Option<Devices>,
    crew: Crew,
}

impl Stage {
    /// Starts the devices and writes the files of the nodes.
    pub(super) async fn build(
        &mut self,
        folder: Option<&Path>,
        port: u16,
        progress: &mut Progress,
    ) -> Result<Plan, Failure> {
        let folder = self.open_folder(folder)?;
        progress.step("simulated devices")?;
        let devices = Box::pin(Devices::start(&folder)).await?;
        progress.done(&format!("{} simulated devices", devices.lines.len() * 2))?;
        progress.step("node files")?;
        let plan = plan(folder, port)?;
        let written = files::write(&plan, &devices.lines);
        self.devices = Some(devices);
        written.map_err(|error| cannot_write(&plan.folder, &error))?;
        progress.done(&format!("node files in {}", plan.folder.display()))?;
        Ok(plan)
    }

    fn open_folder(&mut self, folder: Option<&Path>) -> Result<PathBuf, Failure> {
        let Some(folder) = folder else {
            let made = tempfile::Builder::new().prefix("mainstem-demo-").tempdir();
            let made = made.map_err(|error| cannot_write(&std::env::temp_dir(), &error))?;
            return Ok(self.folder.insert(made).path().to_owned());
        };
        let failed = |error: io::Error| cannot_write(folder, &error);
        fs::create_dir_all(folder).map_err(failed)?;
        let mark = folder.join(MARK);
        let is_empty = fs::read_dir(folder).map_err(failed)?.next().is_none();
        if !is_empty && !mark.exists() {
            let message = format!(
                "{} holds something that is not the demo's",
                folder.display()
            );
            return Err(Failure::new(Exit::Usage, message)
                .action("name an empty folder, or one that is not there yet"));
        }
        fs::write(mark, "").map_err(failed)?;
        folder.canonicalize().map_err(failed)
    }

    /// Starts the nodes, those below first.
    pub(super) async fn start_nodes(
        &mut self,
        plan: &Plan,
        processes: bool,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        for site in &plan.sites {
            progress.step(&format!("node {}", site.node.name))?;
            if processes {
                self.crew.start_process(site)?;
            } else {
                self.crew.start_here(site).await?;
            }
        }
        let count = plan.sites.len();
        let kind = if processes {
            "each in a process of its own"
        } else {
            "in this process"
        };
        progress.done(&format!("{count} nodes, {kind}"))?;
        Ok(())
    }

    pub(super) fn devices(&self) -> Option<&Devices> {
        self.devices.as_ref()
    }

    pub(super) fn pid(&self, name: &str) -> Option<u32> {
        self.crew.pid(name)
    }

    /// Says which processes end, until it is cancelled.
    pub(super) async fn watch(&mut self, plan: &Plan, screen: Screen) -> Result<(), Failure> {
        loop {
            let ended = self.crew.next_ended().await;
            if !screen.is_json() {
                show::ended(&ended, plan, screen)?;
            }
        }
    }

    /// Takes everything down, in the order in which nobody misses anything.
    pub(super) async fn stop(self) {
        self.crew.stop().await;
        if let Some(devices) = self.devices {
            devices.stop().await;
        }
        if let Some(folder) = self.folder {
            let path = folder.path().to_owned();
            if let Err(error) = folder.close() {
                tracing::warn!(%error, path = %path.display(), "the demo's folder stays behind");
            }
        }
    }
}

fn cannot_write(folder: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot write into {}: {error}", folder.display());
    Failure::new(Exit::Failure, message).action("choose another folder with --dir")
}

/// Gives every node its folder, address, key and tokens.
fn plan(folder: PathBuf, port: u16) -> Result<Plan, Failure> {
    let addresses = addresses(port).map_err(|error| {
        Failure::new(Exit::Failure, format!("no port for a node: {error}"))
            .action("choose others with --port")
    })?;
    let mut sites = Vec::with_capacity(NODES.len());
    for (node, address) in NODES.into_iter().zip(addresses) {
        let site_folder = folder.join(node.name);
        // The key is made now, so that the files can name it before any node runs.
        let names = [address.ip().to_string()];
        let data = site_folder.join("data");
        let identity = Identity::load_or_create(&data, node.name, &names, SystemClock.now())
            .map_err(|error| Failure::new(Exit::Failure, error.to_string()))?;
        sites.push(SitePlan {
            node,
            folder: site_folder,
            address,
            pin: identity.pin(),
            token: fresh_token("demo"),
            link_token: fresh_token("link"),
        });
    }
    Ok(Plan { folder, sites })
}

/// 122 random bits behind a word.
fn fresh_token(word: &str) -> String {
    format!("{word}_{}", Uuid::new_v4().simple())
}

/// One address for each node. Free ports are found by asking for them; a port is fixed from then
/// on, so that a node that is started again is found where it was.
fn addresses(port: u16) -> io::Result<Vec<SocketAddr>> {
    let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if port > 0 {
        return Ok((port..).take(NODES.len()).map(at).collect());
    }
    // All are held at the same time, so that no two are the same.
    let held: Vec<TcpListener> = NODES
        .iter()
        .map(|_| TcpListener::bind(at(0)))
        .collect::<io::Result<_>>()?;
    held.iter().map(TcpListener::local_addr).collect()
}
