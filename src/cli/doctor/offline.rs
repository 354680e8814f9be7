//! A node that does not answer, seen from outside: what `check` finds in its file.

use crate::cli::check;
use crate::cli::connection::{ConnectionArgs, meant_node_file};
use crate::cli::exit::{Exit, Failure};
use crate::cli::screen::{Screen, Tone};

/// Says that the node does not answer, and what its file would say about that.
pub(super) fn run(
    args: &ConnectionArgs,
    failure: Failure,
    screen: Screen,
) -> Result<Exit, Failure> {
    // Of a node elsewhere there is no file here; one that is not named may be another node's.
    if args.url.is_some() || (args.socket.is_some() && args.config.is_none()) {
        return Err(failure);
    }
    let file = meant_node_file(args.config.as_deref());
    let loaded = mainstem_config::load(&file, crate::app::kinds());
    if screen.is_json() {
        let check = match &loaded {
            Ok(_) => serde_json::json!({"problems": [], "left_out": 0}),
            Err(problems) => problems.to_json(),
        };
        let document = serde_json::json!({
            "healthy": false,
            "answers": false,
            "cause": failure.message,
            "action": failure.action,
            "check": check,
        });
        screen.document(&document)?;
        return Ok(Exit::NoCommunication);
    }
    let heading = screen.paint(Tone::Bad, "The node does not answer");
    screen.line(format!("{heading}: {}.", failure.message))?;
    match loaded {
        Ok(config) => {
            let file = file.display();
            let summary = check::summary(&config);
            screen.line(format!("Its file has no problems: {file}, {summary}."))?;
            screen.line(format!(
                "See whether it runs (`systemctl status mainstem`), and its log; `mainstem run -c \
                 {file}` starts it here."
            ))?;
        }
        Err(problems) => {
            screen.line("Its file has problems, with which it does not start:")?;
            screen.line(problems)?;
        }
    }
    Ok(Exit::NoCommunication)
}
