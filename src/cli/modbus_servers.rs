//! `mainstem modbus-servers`: the Modbus servers of the node.

use clap::{Args, Subcommand};
use comfy_table::Table;
use mainstem_wire::api::{ModbusServerDocument, Page};

use super::client::Client;
use super::connection::ConnectionArgs;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

#[derive(Debug, Args)]
pub(super) struct ModbusServersArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show all Modbus servers that run
    List,
}

pub(super) async fn run(args: &ModbusServersArgs, screen: Screen) -> Result<Exit, Failure> {
    let client = Client::from_args(&args.connection)?;
    let Action::List = args.action;
    let page: Page<ModbusServerDocument> = client.get("/api/v1/modbus-servers").await?;
    screen.list(&page, "This node has no Modbus server that runs.", table)?;
    Ok(Exit::Done)
}

fn table(servers: &[ModbusServerDocument], screen: Screen) -> Table {
    let headings = [
        "ID", "ADDRESS", "TLS", "ROLE", "NODES", "CLIENTS", "REQUESTS", "REFUSED",
    ];
    let mut table = screen.table(&headings, &[4, 5, 6, 7]);
    for server in servers {
        let tls = if server.tls { "yes" } else { "no" };
        let refused = match server.refused {
            0 => Tone::Plain,
            _ => Tone::Warning,
        };
        table.add_row([
            screen.cell(text::harmless(&server.id), Tone::Plain),
            screen.cell(text::harmless(&server.address), Tone::Plain),
            screen.cell(tls, Tone::Plain),
            screen.cell(text::harmless(&server.role), Tone::Plain),
            screen.cell(server.nodes.to_string(), Tone::Plain),
            screen.cell(server.connections.to_string(), Tone::Plain),
            screen.cell(server.requests.to_string(), Tone::Plain),
            screen.cell(server.refused.to_string(), refused),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_shows_where_they_listen() {
        let server = ModbusServerDocument {
            id: "scada".into(),
            address: "10.0.0.1:502".into(),
            tls: false,
            role: "scada".into(),
            nodes: 12,
            connections: 2,
            requests: 3456,
            refused: 1,
        };
        let shown = table(&[server], Screen::plain()).to_string();
        assert!(
            shown.contains("10.0.0.1:502") && shown.contains("3456"),
            "{shown}"
        );
    }
}
