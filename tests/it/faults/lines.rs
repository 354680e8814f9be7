//! One direction dead, and a link that flaps.

use std::time::{Duration, Instant};

use mainstem_model::Status;
use mainstem_remote::LinkState;

use super::{DEVICE, QUICK, is_long};
use crate::links::Chain;
use crate::support::proxy::Proxy;
use crate::support::{TestNode, eventually, remote};

const AT_TOP: &str = "area.plant.line1.sim.count";
/// How long the counter may stand still while it is good: what silence may last on two links, and
/// the time of a busy machine.
const STILL_MAX: Duration = Duration::from_secs(3);

/// F11, and F10 and F12 with `each_link_of_four_levels_fails_visibly_and_heals`.
#[tokio::test(flavor = "multi_thread")]
async fn whichever_direction_dies_nothing_old_is_shown_as_good() {
    let chain = Chain::start().await;
    chain.top().wait_good(AT_TOP).await;
    for proxy in &chain.proxies {
        for silence in [Proxy::silence_answers, Proxy::silence_requests] {
            silence(proxy);
            // Either the values go on, or they are not good; what stands still is never good.
            let (mut last, mut changed, mut steps) = (None, Instant::now(), 0);
            eventually("the values go on or are not good", || {
                let view = chain.top().get(AT_TOP).unwrap();
                if view.value != last {
                    (last, changed, steps) = (view.value.clone(), Instant::now(), steps + 1);
                }
                let is_good = view.quality.is_good();
                assert!(!is_good || changed.elapsed() < STILL_MAX, "{view:?}");
                (view.quality.status == Status::Bad || steps > 40).then_some(())
            })
            .await;
            proxy.heal();
            let is_new =
                |view: &mainstem_store::PointView| view.quality.is_good() && view.value != last;
            chain.top().wait(AT_TOP, "good and new", is_new).await;
        }
    }
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

/// What may be there at one moment and not at another: a request on its way, a thread's pipe.
/// One thing left behind by each flap would be more than twice that.
const SLACK: usize = 10;

/// F15.
#[tokio::test(flavor = "multi_thread")]
async fn a_flapping_link_leaks_neither_descriptors_nor_tasks() {
    let line = TestNode::start("line1", DEVICE).await;
    let proxy = Proxy::start(line.address()).await;
    let entry = remote("line1", &line.pin(), proxy.address(), QUICK);
    let plant = TestNode::start("plant", &entry).await;
    plant.wait_good("line1.sim.count").await;
    let flaps = if is_long() { 200 } else { 30 };
    let mut before = (0, 0);
    for flap in 0..flaps {
        proxy.reset();
        let resumed = || Some(()).filter(|()| plant.link("line1").counters.resumes > flap);
        eventually("the link resumes", resumed).await;
        plant.wait_link("line1", LinkState::Live).await;
        if flap == 4 {
            // What is made once is there by now, and what the flap left has gone.
            before = steady().await;
        }
    }
    let most = (before.0 + SLACK, before.1 + SLACK);
    let gone = || Some(()).filter(|()| descriptors() <= most.0 && tasks() <= most.1);
    eventually(&format!("no more than {most:?} is left"), gone).await;
    assert_eq!(plant.link("line1").counters.snapshots, 1, "it resumes");
}

/// Descriptors and tasks, once they have not changed for a while.
async fn steady() -> (usize, usize) {
    let mut seen = ((0, 0), Instant::now());
    eventually("descriptors and tasks stand still", || {
        let now = (descriptors(), tasks());
        if now != seen.0 {
            seen = (now, Instant::now());
        }
        (seen.1.elapsed() > Duration::from_millis(500)).then_some(now)
    })
    .await
}

/// A route that accepts connections and swallows everything says no by nothing but time.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_first_route_gives_way_to_the_second() {
    let line = TestNode::start("line1", DEVICE).await;
    let (dead, alive) = (
        Proxy::start(line.address()).await,
        Proxy::start(line.address()).await,
    );
    dead.silence();
    let entry = remote("line1", &line.pin(), dead.address(), QUICK);
    let (one, both) = (
        format!("address: https://{}", dead.address()),
        format!(
            "address: [ \"https://{}\", \"https://{}\" ]",
            dead.address(),
            alive.address()
        ),
    );
    let plant = TestNode::start("plant", &entry.replace(&one, &both)).await;
    plant.wait_good("line1.sim.count").await;
    // And back, when the second dies: silence first, then a try that takes its time.
    dead.heal();
    alive.silence();
    let by_first = || {
        let link = plant.link("line1");
        let is_first = link.address.contains(&dead.address().to_string());
        (is_first && link.state == LinkState::Live).then_some(())
    };
    eventually("the first route is in use", by_first).await;
}
