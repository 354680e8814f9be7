//! Modbus servers and their nodes.

use std::collections::BTreeMap;

use mainstem_registers::Table;
use mainstem_service::{
    ModbusNode, ModbusNodeSection, ModbusServer, ModbusServerSection, NodeAccess, Services,
};
use serde_json::Value;

use super::each;
use super::family::Family;
use crate::access::BUILT_IN_ROLES;
use crate::load::Draft;
use crate::nearest::nearest;
use crate::schema::one_of;
use crate::tree::join;

pub(super) fn servers(draft: &mut Draft<'_>, services: &mut Services) {
    for (section, id, pointer) in each::<ModbusServerSection>(draft, "Server::Modbus") {
        check_role(draft, &section.role, &pointer);
        services.modbus_servers.push(ModbusServer { id, section });
    }
}

fn check_role(draft: &mut Draft<'_>, role: &str, pointer: &str) {
    let own = draft.json.get("roles").and_then(Value::as_object);
    let own = own.into_iter().flatten().map(|(name, _)| name.as_str());
    let known: Vec<&str> = BUILT_IN_ROLES.into_iter().chain(own).collect();
    if !known.contains(&role) {
        let near = nearest(role, known.iter().copied());
        let message = format!("there is no role `{role}`");
        let expected = format!("a role: {}", one_of(&known));
        draft.unknown(&join(pointer, "role"), message, expected, near);
    }
}

/// Who has an address of a server.
type Places = BTreeMap<(String, u8, Table, u16), String>;

pub(super) fn nodes(draft: &mut Draft<'_>, family: &Family, services: &mut Services) {
    let mut places = Places::new();
    for (section, id, pointer) in each::<ModbusNodeSection>(draft, "Node::Modbus") {
        let shape = match section.shape() {
            Ok(shape) => shape,
            Err((key, message, expected)) => {
                draft.problem(&join(&pointer, key), message, expected);
                continue;
            }
        };
        let Some(server) = family.server(&id) else {
            continue;
        };
        check_access(draft, &section, &pointer);
        let node = section.resolve(&id, server, shape);
        check_end(draft, &node, &pointer);
        take(draft, &mut places, &node, &pointer);
        services.modbus_nodes.push(node);
    }
}

fn check_access(draft: &mut Draft<'_>, section: &ModbusNodeSection, pointer: &str) {
    if section.access == NodeAccess::Rw && !section.table.is_writable() {
        let expected = "`access: r`, or the table `coils` or `holdingRegisters`";
        draft.problem(
            &join(pointer, "access"),
            "nobody can write inputs",
            expected,
        );
    }
    let Some(scaling) = section.scaling else {
        return;
    };
    if scaling.factor == 0.0 || !scaling.factor.is_finite() || !scaling.offset.is_finite() {
        let at = join(&join(pointer, "scaling"), "factor");
        draft.problem(
            &at,
            "nothing can be scaled by this",
            "finite numbers, the factor not 0",
        );
    }
}

fn check_end(draft: &mut Draft<'_>, node: &ModbusNode, pointer: &str) {
    if u32::from(node.address) + u32::from(node.count) > 0x1_0000 {
        let message = "its addresses end behind 65535, the last one there is";
        draft.problem(&join(pointer, "address"), message, "a lower address");
    }
}

/// Takes the addresses of a node, each of which can be taken once.
fn take(draft: &mut Draft<'_>, places: &mut Places, node: &ModbusNode, pointer: &str) {
    let own = (0..node.count).filter_map(|offset| node.address.checked_add(offset));
    let own = own.map(|address| ("address", address));
    let status = node.status.map(|address| ("status", address));
    for (key, address) in own.chain(status) {
        let place = (node.server.clone(), node.unit, node.table, address);
        let Some(other) = places.insert(place, node.id.clone()) else {
            continue;
        };
        let message = format!("address {address} is taken by `{other}`");
        let expected = "addresses of its own, in this table of this unit";
        draft.problem(&join(pointer, key), message, expected);
        return;
    }
}
