//! Ten thousand requests at the same time, which nobody answers, over a hundred connections.

use std::path::Path;
use std::time::Instant;

use mainstem_security::{Trust, client_config};

use super::TOKEN;

const CLIENTS: usize = 100;
const EACH: usize = 100;
/// The node's own timeout.
const TIMEOUT_MS: f64 = 10_000.0;

pub(super) async fn run(url: &str, ca: &Path) {
    let tls = client_config(&Trust::CaFile(ca.to_owned())).unwrap();
    let mut tasks = Vec::new();
    for _ in 0..CLIENTS {
        let builder = reqwest::Client::builder().use_preconfigured_tls((*tls).clone());
        let client = builder.build().unwrap();
        // The connection is there before the crowd is.
        let warm = client.get(url).bearer_auth(TOKEN).send().await.unwrap();
        drop(warm);
        for _ in 0..EACH {
            let request = client.post(url).bearer_auth(TOKEN).json(&1);
            tasks.push(tokio::spawn(async move {
                let began = Instant::now();
                let status = request.send().await.unwrap().status().as_u16();
                (status, began.elapsed().as_secs_f64() * 1e3 - TIMEOUT_MS)
            }));
        }
    }
    let (mut late, mut wrong) = (Vec::new(), 0);
    for task in tasks {
        let (status, by) = task.await.unwrap();
        late.push(by);
        wrong += usize::from(status != 500);
    }
    late.sort_by(f64::total_cmp);
    print!(
        "{} ended, {wrong} otherwise than by the timeout, p50 {:.0} ms, p99 {:.0} ms, worst {:.0} ms beyond it,",
        late.len(),
        late[late.len() / 2],
        late[late.len() * 99 / 100],
        late[late.len() - 1]
    );
}
