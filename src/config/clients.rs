//! Roles and tokens, and the password of the HSYCO-compatible route.

use std::collections::{BTreeMap, HashMap};

use mainstem_http::{HsycoConfig, SupportConfig};
use mainstem_model::{GlobSet, TopicSet};
use serde_json::Value;

use crate::access::{BUILT_IN_ROLES, Credential, LinkRight, RoleConfig, TokenConfig, TokenSection};
use crate::load::Draft;
use crate::nearest::nearest;
use crate::schema::one_of;
use crate::tree::join;

/// The roles that are right.
pub(crate) fn roles(draft: &mut Draft<'_>) -> BTreeMap<String, RoleConfig> {
    let json = draft.json;
    let Some(Value::Object(roles)) = json.get("roles") else {
        return BTreeMap::new();
    };
    let mut read = BTreeMap::new();
    for (name, value) in roles {
        let pointer = join("/roles", name);
        if BUILT_IN_ROLES.contains(&name.as_str()) {
            let message = format!("every node has the role `{name}`, and it cannot be changed");
            draft.problem(&pointer, message, "another name");
        }
        if let Some(role) = draft.read::<RoleConfig>(value, &pointer) {
            check_one_way(draft, &role, &pointer);
            read.insert(name.clone(), role);
        }
    }
    read
}

/// Who may only read over a link would otherwise write as any other client does.
fn check_one_way(draft: &mut Draft<'_>, role: &RoleConfig, pointer: &str) {
    let none = GlobSet::default();
    let acts = role.write != none
        || role.admin
        || role.provide.is_some()
        || role.events.raise != none
        || role.topics.publish != TopicSet::default()
        || role.events.answer != none;
    if role.link == LinkRight::Read && acts {
        let message = "a role with `link: read` that may do more than read";
        let expected = "no `write`, `provide`, `admin`, `events.raise`, `events.answer` and \
                        `topics.publish` beside `link: read`";
        draft.problem(&join(pointer, "link"), message, expected);
    }
}

/// The role that remote support acts as, if this node may be opened for it.
pub(crate) fn support(draft: &mut Draft<'_>) -> Option<SupportConfig> {
    let json = draft.json;
    let section = json.get("support").filter(|section| !section.is_null())?;
    check_role(draft, section, "/support");
    draft.read(section, "/support")
}

/// The tokens that are right.
pub(crate) fn tokens(draft: &mut Draft<'_>) -> Vec<TokenConfig> {
    let json = draft.json;
    let Some(Value::Array(items)) = json.get("tokens") else {
        return Vec::new();
    };
    let mut names: HashMap<&str, usize> = HashMap::new();
    let mut read = Vec::with_capacity(items.len());
    for (index, value) in items.iter().enumerate() {
        let pointer = format!("/tokens/{index}");
        check_role(draft, value, &pointer);
        check_credential(draft, value, &pointer);
        if let Some(name) = value.get("name").and_then(Value::as_str)
            && let Some(first) = names.insert(name, index)
        {
            let message = format!("`{name}` is the name of tokens[{first}] too");
            let expected = "a name of its own for each token";
            draft.problem(&join(&pointer, "name"), message, expected);
        }
        let section = draft.read::<TokenSection>(value, &pointer);
        read.extend(section.and_then(token));
    }
    read
}

/// The HSYCO-compatible route, if it is switched on. Its password travels in the address of a
/// request, so it must open nothing else.
pub(crate) fn hsyco(draft: &mut Draft<'_>) -> Option<HsycoConfig> {
    let json = draft.json;
    let section = json.get("hsyco").filter(|section| !section.is_null())?;
    let password = section.get("password").and_then(Value::as_str);
    let tokens = json.get("tokens").and_then(Value::as_array);
    let mut texts = tokens
        .into_iter()
        .flatten()
        .filter_map(|t| t.get("token")?.as_str());
    if password.is_some_and(|password| texts.any(|text| text == password)) {
        let message = "this is a token too, and it would travel in the address of requests";
        draft.problem("/hsyco/password", message, "a password of its own");
    }
    draft.read(section, "/hsyco")
}

fn token(section: TokenSection) -> Option<TokenConfig> {
    let TokenSection {
        name,
        role,
        token,
        hash,
        expires,
        provide,
        from,
    } = section;
    let hash = hash.map(|hash| Credential::Hash(hash.to_ascii_lowercase()));
    let credential = token.map(Credential::Token).or(hash)?;
    Some(TokenConfig {
        name,
        role,
        credential,
        expires,
        provide,
        from,
    })
}

fn check_credential(draft: &mut Draft<'_>, value: &Value, pointer: &str) {
    let message = match (value.get("token"), value.get("hash")) {
        (Some(_), Some(_)) => "both `token` and `hash`",
        (None, None) if value.is_object() => "neither `token` nor `hash`",
        _ => return,
    };
    let expected = "one of them: `token: \"${file:…}\"`, or `hash: \"sha256:…\"`";
    draft.problem(pointer, message, expected);
}

fn check_role(draft: &mut Draft<'_>, value: &Value, pointer: &str) {
    let Some(role) = value.get("role").and_then(Value::as_str) else {
        return;
    };
    let json = draft.json;
    let mut known = BUILT_IN_ROLES.to_vec();
    if let Some(Value::Object(roles)) = json.get("roles") {
        known.extend(
            roles
                .keys()
                .map(String::as_str)
                .filter(|n| !BUILT_IN_ROLES.contains(n)),
        );
    }
    if known.contains(&role) {
        return;
    }
    let expected = format!(
        "a role below `roles:` or a built-in one: {}",
        one_of(&known)
    );
    let near = nearest(role, known);
    let message = format!("there is no role `{role}`");
    draft.unknown(&join(pointer, "role"), message, expected, near);
}
