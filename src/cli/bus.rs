//! `mainstem bus`: how the bus is, and messages on it, to put something into operation.

use std::time::Duration;

use clap::{Args, Subcommand};
use hyper::Method;
use mainstem_wire::api::{BusDocument, MessageDocument, PublishDocument};

use super::client::{Client, escaped};
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

#[derive(Debug, Args)]
pub(super) struct BusArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show whether the broker is there, where it listens, and what it counted
    Status,
    /// Show messages as they come, until it is interrupted
    Sub(SubArgs),
    /// Publish a message
    Pub(PubArgs),
}

#[derive(Debug, Args)]
struct SubArgs {
    /// The topics: `+` is one level, `#` all that follow
    filter: String,
    /// End after so many messages
    #[arg(short = 'n', long, value_name = "NUMBER")]
    count: Option<u64>,
}

#[derive(Debug, Args)]
struct PubArgs {
    /// The topic
    topic: String,
    /// The payload; nothing takes a retained message away
    #[arg(default_value = "")]
    payload: String,
    /// How surely: 0, 1 or 2
    #[arg(short, long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    qos: u8,
    /// Have the broker keep it for whoever subscribes later
    #[arg(short, long)]
    retain: bool,
}

pub(super) async fn run(args: &BusArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    match &args.action {
        Action::Status => status(&client, screen).await,
        Action::Sub(args) => sub(&client, args, screen).await,
        Action::Pub(args) => publish(&client, args, screen).await,
    }
}

async fn status(client: &Client, screen: Screen) -> Result<Exit, Failure> {
    let bus: BusDocument = client.get("/api/v1/bus").await?;
    if screen.is_json() {
        screen.document(&bus)?;
        return Ok(Exit::Done);
    }
    if bus.kind == "none" {
        screen.line("This node has no bus.")?;
        return Ok(Exit::Done);
    }
    let since = text::moment(bus.since);
    let which = match &bus.broker {
        Some(broker) => format!("the broker {}", text::harmless(broker)),
        None => "a broker within the node".to_owned(),
    };
    match &bus.cause {
        Some(cause) => screen.line(format!(
            "The bus, {which}, is away since {since}: {}.",
            text::harmless(cause)
        ))?,
        None => screen.line(format!("The bus, {which}, is {} since {since}.", bus.state))?,
    }
    for listener in &bus.listeners {
        let tls = if listener.tls { ", TLS" } else { "" };
        let (address, transport) = (&listener.address, &listener.transport);
        screen.line(format!("Clients come in at {address} ({transport}{tls})."))?;
    }
    if bus.broker.is_none() && bus.listeners.is_empty() {
        screen.line("Nobody reaches it over a network: it has no listener.")?;
    }
    let mut table = screen.table(&["WHAT", "NUMBER"], &[]);
    let refused = bus.refused.iter();
    let refused = refused.map(|(name, number)| (format!("refused: {name}"), *number));
    let plain = bus.now.iter().chain(&bus.counts);
    let plain = plain.map(|(name, number)| (name.clone(), *number));
    for (name, number) in plain.chain(refused) {
        let name = text::harmless(&name);
        table.add_row([
            screen.cell(name, Tone::Plain),
            screen.cell(number, Tone::Plain),
        ]);
    }
    screen.show(&table)?;
    Ok(Exit::Done)
}

async fn sub(client: &Client, args: &SubArgs, screen: Screen) -> Result<Exit, Failure> {
    let path = format!("/api/v1/bus/messages?filter={}", escaped(&args.filter));
    let mut events = client.events(&path).await?;
    let mut left = args.count;
    while left != Some(0) {
        let Some(event) = events.next().await? else {
            return Ok(Exit::Done);
        };
        if event.name != "message" {
            if event.name == "gap" && !screen.is_json() {
                screen.line(format!("-- messages were dropped: {} --", event.data))?;
            }
            continue;
        }
        if screen.is_json() {
            screen.line(&event.data)?;
        } else if let Ok(message) = serde_json::from_str::<MessageDocument>(&event.data) {
            screen.line(line(&message))?;
        }
        left = left.map(|left| left - 1);
    }
    Ok(Exit::Done)
}

fn line(message: &MessageDocument) -> String {
    let payload = match (&message.payload, &message.bytes) {
        (Some(payload), _) => text::harmless(payload),
        (None, Some(bytes)) => format!("0x{}", text::harmless(bytes)),
        (None, None) => String::new(),
    };
    let retained = if message.retained { " (retained)" } else { "" };
    format!("{}{retained}  {payload}", text::harmless(&message.topic))
}

async fn publish(client: &Client, args: &PubArgs, screen: Screen) -> Result<Exit, Failure> {
    let body = PublishDocument {
        topic: args.topic.clone(),
        payload: Some(args.payload.clone()),
        bytes: None,
        qos: args.qos,
        retain: args.retain,
    };
    let wait = Duration::from_secs(30);
    let path = "/api/v1/bus/publish";
    let answer = client.send(Method::POST, path, Some(&body), wait);
    answer.await?.done()?;
    if !screen.is_json() {
        screen.line("Published.")?;
    }
    Ok(Exit::Done)
}
