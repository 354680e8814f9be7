//! What the demo tells: its progress, what runs where, and what is worth trying.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::crew::Ended;
use super::plan::{LINES, Plan, SitePlan, TOP};
use super::stage::Stage;
use crate::cli::screen::{Screen, Tone};

/// Where the second column of the tree begins.
const TREE_COLUMN: usize = 24;
/// Goes to the beginning of the line and clears it.
const AGAIN: &str = "\r\x1b[2K";

/// Lines with a mark before what is done; on a terminal also what is being done.
pub(super) struct Progress {
    screen: Screen,
    shown: String,
}

impl Progress {
    pub(super) fn begin(screen: Screen) -> io::Result<Self> {
        if !screen.is_json() {
            let title = screen.paint(Tone::Strong, "mainstem demo");
            screen.line(format!("\n  {title}  a whole enterprise on this machine\n"))?;
        }
        Ok(Self {
            screen,
            shown: String::new(),
        })
    }

    /// Says what is being done.
    pub(super) fn step(&mut self, what: &str) -> io::Result<()> {
        if !self.screen.is_terminal() || self.shown == what {
            return Ok(());
        }
        what.clone_into(&mut self.shown);
        let text = self.screen.paint(Tone::Quiet, format!("… {what}"));
        self.screen.part(format!("{AGAIN}  {text}"))
    }

    /// Says what is done.
    pub(super) fn done(&mut self, what: &str) -> io::Result<()> {
        if self.screen.is_json() {
            return Ok(());
        }
        let again = if self.screen.is_terminal() { AGAIN } else { "" };
        let mark = self.screen.paint(Tone::Good, "✓");
        self.shown.clear();
        self.screen.line(format!("{again}  {mark} {what}"))
    }
}

/// The document for programs.
pub(super) fn document(plan: &Plan, stage: &Stage) -> Value {
    let nodes = plan.sites.iter().map(|site| {
        json!({
            "name": site.node.name,
            "url": site.url(),
            "token": site.token,
            "ca": site.ca(),
            "pid": stage.pid(site.node.name),
        })
    });
    json!({"nodes": nodes.collect::<Vec<_>>()})
}

/// Everything that somebody needs to look around.
pub(super) fn everything(plan: &Plan, stage: &Stage, screen: Screen) -> io::Result<()> {
    screen.line("")?;
    for line in tree(plan, stage, screen) {
        screen.line(line)?;
    }
    let Some(top) = plan.site(TOP) else {
        return Ok(());
    };
    let heading = |text: &str| screen.line(format!("\n  {}", screen.paint(Tone::Strong, text)));
    heading("Log in at the enterprise with this token")?;
    screen.line(format!("    {}", top.token))?;
    let others = plan.folder.join("<node>/secrets/demo.token");
    let others = format!("The others': {}", others.display());
    screen.line(format!("    {}", screen.paint(Tone::Quiet, others)))?;
    heading("Who vouches for it")?;
    screen.line(format!("    {}", top.ca().display()))?;
    heading("Worth trying, in another terminal")?;
    for (what, arguments) in EXAMPLES {
        screen.line(format!(
            "\n    {}",
            screen.paint(Tone::Quiet, format!("# {what}"))
        ))?;
        for line in command(arguments, top) {
            screen.line(format!("    {}", screen.paint(Tone::Good, line)))?;
        }
    }
    screen.line(format!(
        "\n  {}\n",
        screen.paint(Tone::Quiet, ending(stage))
    ))
}

/// The commands that show most.
const EXAMPLES: [(&str, &str); 3] = [
    ("values move", "points watch 'plant1.line1.**'"),
    (
        "a write goes down to the PLC, and its outcome comes back hop by hop",
        "points set plant1.line1.plc.temperature_setpoint 72.5",
    ),
    (
        "the PLC refuses what its drive cannot do, and says so",
        "points set plant1.line1.plc.speed_setpoint 9999",
    ),
];

/// A command that can be copied, over several lines.
fn command(arguments: &str, top: &SitePlan) -> [String; 4] {
    [
        format!("{} {arguments} \\", program().display()),
        format!("  --url {} \\", top.url()),
        format!("  --ca {} \\", quoted(&top.ca())),
        format!("  --token {}", top.token),
    ]
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// This program as somebody in this folder calls it.
fn program() -> PathBuf {
    let Ok(program) = std::env::current_exe() else {
        return "mainstem".into();
    };
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| program.strip_prefix(here).map(Path::to_owned).ok());
    below.unwrap_or(program)
}

/// Who reads whom, and where everybody is.
fn tree(plan: &Plan, stage: &Stage, screen: Screen) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(top) = plan.site(TOP) else {
        return lines;
    };
    let mut shoot = Tree {
        plan,
        stage,
        screen,
        lines: &mut lines,
    };
    shoot.node(top, "", "");
    lines
}

struct Tree<'a> {
    plan: &'a Plan,
    stage: &'a Stage,
    screen: Screen,
    lines: &'a mut Vec<String>,
}

impl Tree<'_> {
    fn node(&mut self, site: &SitePlan, own: &str, further: &str) {
        self.line(own, site.node.name, "", &site.url());
        let below: Vec<_> = site
            .node
            .below
            .iter()
            .filter_map(|name| self.plan.site(name))
            .collect();
        for (index, site) in below.iter().enumerate() {
            let (own, next) = branch(index + 1 == below.len());
            self.node(
                site,
                &format!("{further}{own}"),
                &format!("{further}{next}"),
            );
        }
        let line = LINES.iter().position(|line| *line == site.node.name);
        let devices = self.stage.devices();
        let devices = line.and_then(|line| devices.and_then(|devices| devices.lines.get(line)));
        if let Some(devices) = devices {
            let (plc, opc) = (devices.plc_address().to_string(), devices.opc_url());
            self.line(&format!("{further}├─ "), "plc", "Modbus TCP", &plc);
            self.line(&format!("{further}└─ "), "opc", "OPC UA", &opc);
        }
    }

    fn line(&mut self, branch: &str, name: &str, kind: &str, at: &str) {
        let kind = if kind.is_empty() {
            String::new()
        } else {
            format!("  {kind}")
        };
        let used = branch.chars().count() + name.len() + kind.len();
        let gap = " ".repeat(TREE_COLUMN.saturating_sub(used).max(2));
        self.lines.push(format!(
            "  {}{}{}{gap}{at}",
            self.screen.paint(Tone::Quiet, branch),
            self.screen.paint(Tone::Strong, name),
            self.screen.paint(Tone::Quiet, kind),
        ));
    }
}

/// What stands before a node and before what is below it.
fn branch(is_last: bool) -> (&'static str, &'static str) {
    if is_last {
        ("└─ ", "   ")
    } else {
        ("├─ ", "│  ")
    }
}

/// How the demo ends, and what a process of its own allows.
fn ending(stage: &Stage) -> String {
    let pids: Vec<_> = LINES.iter().filter_map(|line| stage.pid(line)).collect();
    match pids.first() {
        Some(pid) if *pid != std::process::id() => format!(
            "Ctrl-C stops everything and leaves nothing behind. `kill {pid}` takes line1 away: \
             see what the enterprise says."
        ),
        _ => "Ctrl-C stops everything and leaves nothing behind.".to_owned(),
    }
}

/// Says that a process has ended, and how it is started again.
pub(super) fn ended(ended: &Ended, plan: &Plan, screen: Screen) -> io::Result<()> {
    let Ended { name, pid, status } = ended;
    let what = screen.paint(
        Tone::Warning,
        format!("{name} (process {pid}) has ended: {status}"),
    );
    screen.line(format!("  {what}"))?;
    let Some(site) = plan.site(name) else {
        return Ok(());
    };
    let again = format!("{} run -c {}", program().display(), quoted(&site.file()));
    screen.line(format!(
        "  Start it again with  {}\n",
        screen.paint(Tone::Good, again)
    ))
}
