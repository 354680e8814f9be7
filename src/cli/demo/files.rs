//! Writes the node files of the demo, as somebody would write them by hand.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::devices::LineDevices;
use super::plan::{LINES, OPC_POINTS, PLC_POINTS, Plan, PointPlan, SitePlan, WRITABLE};

/// Bytes of a socket's path, with room for its temporary name: the system takes 108.
const SOCKET_PATH_BYTES_MAX: usize = 100;

/// Writes files and secrets of all nodes.
pub(super) fn write(plan: &Plan, devices: &[LineDevices]) -> io::Result<()> {
    for site in &plan.sites {
        fs::create_dir_all(site.folder.join("secrets"))?;
        secret(&site.secret("demo"), &site.token)?;
        if let Some(above) = above(plan, site) {
            secret(&site.secret(above.node.name), &site.link_token)?;
        }
        for name in site.node.below {
            if let Some(below) = plan.site(name) {
                secret(&site.secret(name), &below.link_token)?;
            }
        }
        let line = LINES.iter().position(|line| *line == site.node.name);
        let line = line.and_then(|index| devices.get(index));
        fs::write(site.file(), text(plan, site, line))?;
    }
    Ok(())
}

fn secret(path: &Path, token: &str) -> io::Result<()> {
    fs::write(path, format!("{token}\n"))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

/// The node that reads this one.
fn above<'a>(plan: &'a Plan, site: &SitePlan) -> Option<&'a SitePlan> {
    plan.sites
        .iter()
        .find(|other| other.node.below.contains(&site.node.name))
}

/// The whole file of a node.
fn text(plan: &Plan, site: &SitePlan, devices: Option<&LineDevices>) -> String {
    let mut text = format!(
        "# Written by `mainstem demo`. What each option means stands in config/node.yaml.\n\
         version: 1\n\
         node:\n  name: {}\n  description: {:?}\n\
         listen:\n  - address: \"{}\"\n",
        site.node.name, site.node.about, site.address
    );
    if site.data().join("mainstem.sock").as_os_str().len() > SOCKET_PATH_BYTES_MAX {
        text.push_str("# The path of the folder is too long for one.\nunix_socket: off\n");
    }
    text.push_str(&clients(plan, site));
    text.push_str("resources:\n");
    if let Some(devices) = devices {
        text.push_str(&adapters(devices));
    }
    for name in site.node.below {
        if let Some(below) = plan.site(name) {
            text.push_str(&remote(plan, below));
        }
    }
    text
}

/// Who may come: the demo's visitor, and the node above.
fn clients(plan: &Plan, site: &SitePlan) -> String {
    let mut roles = String::new();
    let mut tokens = "tokens:\n  - name: demo\n    role: admin\n    \
                      token: \"${file:secrets/demo.token}\"\n"
        .to_owned();
    if let Some(above) = above(plan, site) {
        let name = above.node.name;
        roles = format!(
            "roles:\n  above:\n    # Reads everything, and writes what is listed.\n    \
             read: [ \"**\" ]\n    write: [ {} ]\n    link: true\n",
            patterns(plan, site)
        );
        tokens.push_str(&format!(
            "  - name: {name}\n    role: above\n    token: \"${{file:secrets/{name}.token}}\"\n"
        ));
    }
    roles + &tokens
}

/// What may be written, in the names of this node.
fn patterns(plan: &Plan, site: &SitePlan) -> String {
    let mut names: Vec<String> = WRITABLE.iter().map(|name| (*name).to_owned()).collect();
    let mut below = site.node.below;
    // Below a plant stand its lines; the same levels for each of them.
    while let Some(first) = below.first() {
        names = names.into_iter().map(|name| format!("*.{name}")).collect();
        below = plan.site(first).map_or(&[], |site| site.node.below);
    }
    let quoted: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    quoted.join(", ")
}

fn remote(plan: &Plan, below: &SitePlan) -> String {
    let name = below.node.name;
    format!(
        "  {name}:\n    type: Remote\n    properties:\n      address: {}\n      \
         token: \"${{file:secrets/{name}.token}}\"\n      pin: \"{}\"\n      write: [ {} ]\n",
        below.url(),
        below.pin,
        patterns(plan, below)
    )
}

fn adapters(devices: &LineDevices) -> String {
    let plc = devices.plc_address();
    let mut text = format!(
        "  system:\n    type: Connection\n    properties:\n      protocol: System\n\n  \
         plc:\n    type: Connection\n    properties:\n      protocol: Modbus\n      \
         connection: {{ host: {}, port: {} }}\n",
        plc.ip(),
        plc.port()
    );
    endpoints(&mut text, "plc", &PLC_POINTS);
    text.push_str(&format!(
        "\n  opc:\n    type: Connection\n    properties:\n      protocol: Opcua\n      \
         connection: {{ endpointUrl: {:?}, securityPolicy: None }}\n",
        devices.opc_url()
    ));
    endpoints(&mut text, "opc", &OPC_POINTS);
    text
}

fn endpoints(text: &mut String, connection: &str, points: &[PointPlan]) {
    for PointPlan {
        name,
        address,
        more,
    } in points
    {
        text.push_str(&format!(
            "  {connection}_{name}:\n    type: Endpoint\n    properties: {{ connection: !ref \
             {connection}, name: {connection}.{name}, {more},\n      subscribe: {{ {address} }} }}\n"
        ));
    }
}
