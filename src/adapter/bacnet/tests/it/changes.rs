//! Subscriptions to changes at bacpypes3.

use mainstem_model::{Reason, Value};
use serde_json::{Value as Json, json};

use crate::foreign::Foreign;
use crate::rig::{read, started};

fn object(kind: &str) -> Json {
    json!({ "objectType": kind, "objectInstance": 1 })
}

fn told(confirmed: bool, seconds: u32, poll: u64) -> Json {
    json!({ "cov": {
        "enabled": true, "confirmed": confirmed,
        "covLifetimeSeconds": seconds, "pollInterval": poll,
    } })
}

/// Changes come though the next poll is an hour away.
async fn are_told(confirmed: bool) {
    let Some(mut foreign) = Foreign::start(&[]).await else {
        return;
    };
    let endpoints = vec![
        read(object("analog-input")),
        read(object("binary-input")),
        read(json!({
            "objectType": "analog-input", "objectInstance": 1, "property": "object-name",
        })),
    ];
    let mut rig = started(foreign.port, &told(confirmed, 300, 3_600_000), endpoints);
    // The name is polled on, which tells that the others are not for want of polls.
    rig.until("all", |seen| {
        seen.good(0) > 0 && seen.good(1) > 0 && seen.good(2) > 5
    })
    .await;
    assert_eq!(foreign.command("subscriptions").await["subscriptions"], 2);
    foreign
        .command("set analog-input,1 present-value 3.5")
        .await;
    foreign
        .command("set binary-input,1 present-value 'inactive'")
        .await;
    let seen = rig
        .until("the changes", |seen| {
            seen.value(0) == Some(&Value::F32(3.5)) && seen.value(1) == Some(&Value::Bool(false))
        })
        .await;
    // Far more polls of the name than readings of what is told.
    assert!(seen.good(0) < 10, "{}", seen.good(0));
    foreign
        .command("set analog-input,1 status-flags [0, 1, 0, 0]")
        .await;
    rig.until("the fault", |seen| {
        seen.reason(0) == Some(Reason::DeviceError)
    })
    .await;
    rig.stopped().await;
    // What was subscribed to is given up.
    loop {
        if foreign.command("subscriptions").await["subscriptions"] == 0 {
            break;
        }
    }
}

#[tokio::test]
async fn changes_are_told_with_a_receipt() {
    are_told(true).await;
}

#[tokio::test]
async fn changes_are_told_without_a_receipt() {
    are_told(false).await;
}

#[tokio::test]
async fn a_subscription_is_renewed_before_it_ends() {
    let Some(mut foreign) = Foreign::start(&[]).await else {
        return;
    };
    let endpoints = vec![read(object("analog-input"))];
    let mut rig = started(foreign.port, &told(true, 10, 3_600_000), endpoints);
    rig.until("good", |seen| seen.good(0) > 0).await;
    // bacpypes3 tells the value anew with each renewal, so what comes is counted: the first poll,
    // the subscription, and two renewals after five seconds each.
    let seen = rig.until("renewals", |seen| seen.good(0) >= 4).await;
    assert_eq!(seen.online, 1);
    assert_eq!(foreign.command("subscriptions").await["subscriptions"], 1);
    rig.stopped().await;
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_polled() {
    let Some(mut foreign) = Foreign::start(&[]).await else {
        return;
    };
    // bacpypes3 has no changes of texts.
    let endpoints = vec![
        read(object("characterstring-value")),
        read(object("analog-input")),
    ];
    let mut rig = started(foreign.port, &told(true, 300, 3_600_000), endpoints);
    rig.until("polls", |seen| seen.good(0) > 5 && seen.good(1) > 0)
        .await;
    foreign
        .command("set characterstring-value,1 present-value 'new'")
        .await;
    rig.until("the text", |seen| {
        seen.value(0) == Some(&Value::text("new"))
    })
    .await;
    assert_eq!(
        rig.statistics.snapshot().errors.get("cov_refused"),
        Some(&1)
    );
    rig.stopped().await;
}

#[tokio::test]
async fn a_slow_poll_finds_what_was_not_told() {
    let Some(mut foreign) = Foreign::start(&[]).await else {
        return;
    };
    let endpoints = vec![read(object("analog-input"))];
    let mut rig = started(foreign.port, &told(true, 300, 300), endpoints);
    rig.until("good", |seen| seen.good(0) > 1).await;
    // Less than the increment of 0.5: the device says nothing about it.
    foreign
        .command("set analog-input,1 present-value -21.5")
        .await;
    rig.until("the poll", |seen| seen.value(0) == Some(&Value::F32(-21.5)))
        .await;
    rig.stopped().await;
}
