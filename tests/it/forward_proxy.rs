//! Links and uplinks through an HTTP proxy.

use mainstem_remote::{LinkState, UplinkState};

use crate::dial_up::{BELOW, UP_TOKEN, tokens, uplink, wait_uplink, waiting};
use crate::links::{DEVICE, QUICK};
use crate::support::connect_proxy::ConnectProxy;
use crate::support::{TestNode, remote};

/// `user:p@ss`
const LOGIN: &str = "Proxy-Authorization: Basic dXNlcjpwQHNz";

#[tokio::test(flavor = "multi_thread")]
async fn a_link_goes_through_a_proxy_and_says_why_it_does_not() {
    let line = TestNode::start("line1", DEVICE).await;
    let proxy = ConnectProxy::start(Some(LOGIN), Some(line.address())).await;
    let entry = |login: &str, address| {
        let proxy = format!("{QUICK}      proxy: \"{}\"\n", proxy.url(login));
        remote("line1", &line.pin(), address, &proxy)
    };
    let mut plant = TestNode::start("plant1", &entry("", line.address())).await;
    let view = plant.wait_link("line1", LinkState::Refused).await;
    let cause = view.cause.unwrap();
    assert!(
        cause.contains("407 Proxy Authentication Required"),
        "{cause}"
    );
    plant.reload(&entry("user:p%40ss@", line.address())).await;
    plant.wait_good("line1.sim.count").await;
    assert!(proxy.carried() >= 1);
    plant.reload(&entry("user:p%40ss@", plant.address())).await;
    let view = plant.wait_link("line1", LinkState::Refused).await;
    let cause = view.cause.unwrap();
    assert!(cause.contains("403") && !cause.contains("p@ss"), "{cause}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uplink_goes_through_a_proxy() {
    let mut line = TestNode::start("line1", DEVICE).await;
    let entries = [waiting("line1", &line.pin()), waiting("plant", &line.pin())].concat();
    let plant = TestNode::start_roles("[\"**\"]", BELOW, "plant", &entries, &tokens("line")).await;
    let proxy = ConnectProxy::start(Some(LOGIN), None).await;
    let through = |login: &str| {
        let more = format!("      proxy: \"{}\"\n", proxy.url(login));
        let entry = uplink(plant.address(), &plant.pin(), UP_TOKEN, &more);
        format!("{DEVICE}{entry}")
    };
    line.reload(&through("user:wrong@")).await;
    let view = wait_uplink(&line, |view| view.state == UplinkState::Refused).await;
    assert!(
        view.cause.as_ref().is_some_and(|told| told.contains("407")),
        "{view:?}"
    );
    line.reload(&through("user:p%40ss@")).await;
    plant.wait_good("line1.sim.count").await;
    assert!(proxy.carried() >= 1);
}
