//! The first hour with a PLC: reading a variable, and listing its symbols.

use std::ops::ControlFlow;

use mainstem_adapter::explore::{
    BrowseAsk, Explore, ExploreError, Finds, Found, Guide, Target, Wish, host_and_port,
};
use mainstem_adapter::polled::CallError::{Closed, Invalid, Timeout};
use mainstem_adapter::{BoxFuture, SessionEnd};
use mainstem_model::{Access, Scalar, ValueType};
use serde_json::{Value, json};

use crate::commands::{self, Item, READ, UPLOAD, UPLOAD_INFO, bytes};
use crate::data_type::DataType;
use crate::fault;
use crate::line::{CallError, Line};
use crate::symbol::{self, Symbol};

/// The longest list of symbols that is taken; a big program has some megabytes.
const LIST_MAX: usize = 16 * 1024 * 1024;

/// What this kind does for somebody who does not know the PLC yet.
pub(crate) struct SymbolExplore;

impl Explore for SymbolExplore {
    fn guide(&self) -> Guide {
        Guide {
            url: "ads://HOST[:48898]",
            addresses: &["MAIN.fSpeed", "GVL.aLevels[3]", "0x4020:0"],
            words: &[
                ("net-id", "netId"),
                ("port", "port"),
                ("local", "localAddress"),
            ],
            can_browse: true,
        }
    }

    fn connection(&self, url: &str) -> Result<Value, String> {
        let at = host_and_port(url, &["ads", "tcp"])?;
        let mut connection = json!({ "host": at.host, "routerTcpPort": at.port.unwrap_or(48_898) });
        // What is usual, until somebody says otherwise.
        connection["netId"] = match at.host.parse() {
            Ok(address) => crate::net_id::NetId::of(address).to_string().into(),
            Err(_) => "127.0.0.1.1.1".into(),
        };
        Ok(connection)
    }

    fn targets(&self, wish: &Wish<'_>) -> Result<Vec<Target>, String> {
        let mut operation = match wish.address.split_once(':') {
            Some((group, offset)) => json!({ "indexGroup": group, "indexOffset": offset }),
            None => json!({ "symbolName": wish.address }),
        };
        if let Some(name) = wish.data_type {
            let found = DataType::named(name).or_else(|| word(name));
            let found = found.ok_or_else(|| format!("`{name}` is no type: INT, REAL, …"))?;
            operation["dataType"] = found.name().into();
        }
        if wish.count > 1 {
            operation["length"] = wish.count.into();
        }
        Ok(vec![Target::new(wish.address, operation)])
    }

    fn browse<'a>(
        &'a self,
        ask: &'a BrowseAsk,
        finds: &'a mut Finds,
    ) -> BoxFuture<'a, Result<(), ExploreError>> {
        Box::pin(walk(ask, finds))
    }
}

/// By the word of a datapoint's type: `i16`, `f32`, `text`.
fn word(word: &str) -> Option<DataType> {
    let word: ValueType = word.parse().ok()?;
    let names = [
        "bool", "sint", "int", "dint", "lint", "usint", "uint", "udint", "ulint", "real", "lreal",
        "string", "ldt", "raw",
    ];
    let mut known = names.into_iter().filter_map(DataType::named);
    known.find(|known| known.scalar() == word.scalar && !word.array)
}

async fn walk(ask: &BrowseAsk, finds: &mut Finds) -> Result<(), ExploreError> {
    let mut config = crate::kind::connection(&ask.spec).map_err(ExploreError::Wrong)?;
    let patience = u64::try_from(ask.patience.as_millis()).unwrap_or(u64::MAX);
    config.timeout_delay = config.timeout_delay.max(patience);
    let mut line = Line::open(&config, ask.trace.clone()).await?;
    // Twenty-four bytes: how many symbols, how many bytes of them, and the same of types.
    let info = read(&mut line, UPLOAD_INFO, 64).await?;
    let size = info.get(4..8).and_then(|size| size.try_into().ok());
    let size = size.map_or(0, u32::from_le_bytes);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if size > LIST_MAX {
        let message = format!("{} announces {size} bytes of symbols", line.place());
        return Err(SessionEnd::lost("too_long", message).into());
    }
    let list = read(&mut line, UPLOAD, size).await?;
    let mut rest = list.as_slice();
    while !rest.is_empty() {
        let (symbol, others) = symbol::entry(rest).map_err(|what| untrusted(&line, &what))?;
        rest = others;
        let is_wanted = ask
            .start
            .as_ref()
            .is_none_or(|start| symbol.name.starts_with(start));
        if finds.visit(&symbol.name).is_break() {
            break;
        }
        if is_wanted && finds.add(found(&symbol)) == ControlFlow::Break(()) {
            break;
        }
    }
    Ok(())
}

async fn read(line: &mut Line, group: u32, size: usize) -> Result<Vec<u8>, SessionEnd> {
    let offset = 0;
    let item = Item {
        group,
        offset,
        size,
    };
    let data = line.call(READ, &commands::read(item), size).await;
    let data = data.map_err(|error| match error {
        CallError::Broken(Timeout) => SessionEnd::lost(
            "timeout",
            format!("{} does not answer in time", line.place()),
        ),
        CallError::Broken(Closed(what)) => {
            SessionEnd::lost("connection_closed", format!("{}: {what}", line.place()))
        }
        CallError::Broken(Invalid(what)) => untrusted(line, &what),
        CallError::Astray(code) => line.astray(code),
    })?;
    let read = bytes(&data, size).map_err(|what| untrusted(line, &what))?;
    read.map(<[u8]>::to_vec).map_err(|code| {
        let what = fault::of(code).message;
        SessionEnd::lost(
            "no_list",
            format!("{} lists no symbols: {what}", line.place()),
        )
    })
}

fn untrusted(line: &Line, what: &str) -> SessionEnd {
    let message = format!(
        "{} sent something that cannot be trusted: {what}",
        line.place()
    );
    SessionEnd::lost("invalid_answer", message)
}

fn found(symbol: &Symbol) -> Found {
    let mut operation = json!({ "symbolName": symbol.name });
    let known = DataType::coded(symbol.code);
    let size = symbol.item.size;
    let count = known.map_or(0, |known| size / known.unit());
    let is_array = count > 1 && known.is_some_and(|known| !known.is_text());
    let fits =
        count * size_of::<mainstem_model::Value>() <= mainstem_model::limits::VALUE_BYTES_MAX;
    let is_texts = known.is_some_and(DataType::is_text) && symbol.type_name.starts_with("ARRAY");
    let obstacle = match known {
        None => Some(format!(
            "{} of {size} bytes: name a member",
            symbol.type_name
        )),
        Some(_) if is_texts => Some("an array of texts: name an element".to_owned()),
        Some(_) if is_array && !fits => Some(format!(
            "{} is longer than a datapoint holds: name an element",
            symbol.type_name
        )),
        Some(known) => {
            operation["dataType"] = known.name().into();
            if is_array {
                operation["length"] = count.into();
            }
            None
        }
    };
    let scalar = known.filter(|_| obstacle.is_none()).map(DataType::scalar);
    Found {
        path: symbol.name.split('.').map(str::to_owned).collect(),
        address: symbol.name.clone(),
        operation,
        value_type: scalar.map(|scalar: Scalar| ValueType {
            scalar,
            array: is_array,
        }),
        access: Access::Read,
        unit: None,
        description: (!symbol.comment.is_empty()).then(|| symbol.comment.clone()),
        sample: None,
        obstacle,
    }
}
