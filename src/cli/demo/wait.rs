//! Waits until the enterprise sees everything.

use std::collections::HashMap;
use std::time::Duration;

use mainstem_security::Trust;
use mainstem_wire::api::{Page, PointDocument};
use tokio::time::{Instant, interval};

use super::plan::{PLANT, Plan, SitePlan, TOP, enterprise_points};
use super::show::Progress;
use crate::cli::client::Client;
use crate::cli::connection::Target;
use crate::cli::exit::{Exit, Failure};
use crate::cli::text;

/// How long it may take until everything is good.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often the enterprise is asked.
const INTERVAL: Duration = Duration::from_millis(100);
/// Datapoints named when the patience has come to its end.
const NAMED_MAX: usize = 3;

/// A client of one of the nodes, as any other program is one.
pub(super) fn client(site: &SitePlan) -> Result<Client, Failure> {
    let target = Target::https(&site.url(), Trust::CaFile(site.ca()))?;
    Ok(Client::new(target, Some(site.token.clone())))
}

/// Waits until every datapoint of every device is good at the enterprise.
pub(super) async fn until_good(plan: &Plan, progress: &mut Progress) -> Result<(), Failure> {
    let Some(top) = plan.site(TOP) else {
        return Ok(());
    };
    let client = client(top)?;
    let wanted = enterprise_points();
    let deadline = Instant::now() + PATIENCE;
    let mut ticks = interval(INTERVAL);
    progress.step("connections")?;
    loop {
        ticks.tick().await;
        let lacking = lacking(&client, &wanted).await;
        if lacking.as_ref().is_ok_and(Vec::is_empty) {
            return Ok(progress.done(&format!(
                "{} datapoints of the devices at the enterprise, all good",
                wanted.len()
            ))?);
        }
        if let Ok(lacking) = &lacking {
            let good = wanted.len().saturating_sub(lacking.len());
            progress.step(&format!("{good} of {} datapoints are good", wanted.len()))?;
        }
        if Instant::now() >= deadline {
            return Err(too_late(lacking, plan));
        }
    }
}

/// What is not good yet, with what is wrong.
async fn lacking(client: &Client, wanted: &[String]) -> Result<Vec<String>, Failure> {
    let path = format!("/api/v1/datapoints?limit=1000&glob={PLANT}.*.plc.**,{PLANT}.*.opc.**");
    let page: Page<PointDocument> = client.get(&path).await?;
    let found: HashMap<&str, &PointDocument> = page
        .items
        .iter()
        .map(|point| (point.name.as_str(), point))
        .collect();
    let lacking = wanted
        .iter()
        .filter_map(|name| match found.get(name.as_str()) {
            None => Some(format!("{name} is not there")),
            Some(point) if point.quality.status == "good" => None,
            Some(point) => Some(format!("{name} is {}", text::quality(&point.quality))),
        });
    Ok(lacking.collect())
}

fn too_late(lacking: Result<Vec<String>, Failure>, plan: &Plan) -> Failure {
    let seconds = PATIENCE.as_secs();
    let what = match lacking {
        Err(failure) => failure.message,
        Ok(lacking) => {
            let named: Vec<_> = lacking.iter().take(NAMED_MAX).map(String::as_str).collect();
            format!(
                "{} datapoints are not good: {}",
                lacking.len(),
                named.join("; ")
            )
        }
    };
    Failure::new(
        Exit::Unknown,
        format!("the demo was not up within {seconds} s: {what}"),
    )
    .action(format!(
        "look at the logs below {} (--processes --dir)",
        plan.folder.display()
    ))
}
