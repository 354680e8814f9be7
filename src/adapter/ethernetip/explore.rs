//! The first hour with a controller: reading a tag, and listing its tags.

use std::ops::ControlFlow;

use mainstem_adapter::explore::{
    BrowseAsk, Explore, ExploreError, Finds, Found, Guide, Target, Wish, host_and_port,
};
use mainstem_adapter::polled::CallError;
use mainstem_adapter::{BoxFuture, SessionEnd};
use mainstem_model::Access;
use serde_json::{Value, json};

use crate::cip::{self, DONE, MORE};
use crate::data_type::DataType;
use crate::fault;
use crate::line::Line;
use crate::path::TagPath;
use crate::symbols::{self, LIST, Symbol};

/// Programs whose tags are listed, at most.
const PROGRAMS_MAX: usize = 1000;
/// The longest array that is suggested whole; of a longer one its beginning.
const ARRAY_MAX: u32 = 1000;

/// What this kind does for somebody who does not know the controller yet.
pub(crate) struct TagExplore;

impl Explore for TagExplore {
    fn guide(&self) -> Guide {
        Guide {
            url: "eip://HOST[:44818]",
            addresses: &["Speed", "Level[3]", "Program:Main.Count", "Status.5"],
            words: &[("slot", "slot"), ("route", "routePath")],
            can_browse: true,
        }
    }

    fn connection(&self, url: &str) -> Result<Value, String> {
        let at = host_and_port(url, &["eip", "tcp"])?;
        Ok(json!({ "host": at.host, "port": at.port.unwrap_or(44_818) }))
    }

    fn targets(&self, wish: &Wish<'_>) -> Result<Vec<Target>, String> {
        let mut operation = json!({ "tagName": wish.address });
        if let Some(name) = wish.data_type {
            // The words of this program and those of the controller.
            let found = DataType::named(name).or_else(|| DataType::word(name));
            let found =
                found.ok_or_else(|| format!("`{name}` is no type of a tag: DINT, REAL, …"))?;
            operation["tagType"] = found.name.into();
            if wish.count > 1 {
                operation["length"] = wish.count.into();
            }
        } else if wish.count > 1 {
            return Err("several elements need their type: --type INT".to_owned());
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

async fn walk(ask: &BrowseAsk, finds: &mut Finds) -> Result<(), ExploreError> {
    let mut config = crate::kind::connection(&ask.spec).map_err(ExploreError::Wrong)?;
    let patience = u64::try_from(ask.patience.as_millis()).unwrap_or(u64::MAX);
    config.operation_timeout = config.operation_timeout.min(patience);
    let mut line = Line::open(&config, ask.trace.clone()).await?;
    let only = ask
        .start
        .as_deref()
        .map(|name| name.trim_start_matches("Program:").to_owned());
    let mut programs = Vec::new();
    match only {
        Some(program) => programs.push(program),
        None => {
            if list(&mut line, None, finds, &mut programs)
                .await?
                .is_break()
            {
                return Ok(());
            }
        }
    }
    for program in programs.into_iter().take(PROGRAMS_MAX) {
        let mut none = Vec::new();
        if list(&mut line, Some(&program), finds, &mut none)
            .await?
            .is_break()
        {
            break;
        }
    }
    Ok(())
}

/// Lists the tags of the controller, or of one program.
async fn list(
    line: &mut Line,
    program: Option<&str>,
    finds: &mut Finds,
    programs: &mut Vec<String>,
) -> Result<ControlFlow<()>, ExploreError> {
    let place = program.unwrap_or("controller").to_owned();
    let scope = program.map(|name| TagPath::parse(None, &format!("Program:{name}")));
    let scope = scope.transpose().map_err(|what| untrusted(line, &what))?;
    let mut from = 0;
    loop {
        if finds.visit(&place).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let (is_last, page) = page(line, scope.as_ref(), from).await?;
        for symbol in &page {
            if let Some(name) = symbol.program().filter(|_| programs.len() < PROGRAMS_MAX) {
                programs.push(name.to_owned());
            }
            if !symbol.is_hidden() && finds.add(found(program, symbol)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        let next = page
            .last()
            .and_then(|last| u16::try_from(last.instance + 1).ok());
        match next.filter(|next| *next > from) {
            _ if is_last => return Ok(ControlFlow::Continue(())),
            Some(next) => from = next,
            None => return Err(untrusted(line, "the list of tags does not go on").into()),
        }
    }
}

async fn page(
    line: &mut Line,
    scope: Option<&TagPath>,
    from: u16,
) -> Result<(bool, Vec<Symbol>), SessionEnd> {
    let answered = line.call(&symbols::request(scope, from)).await;
    let bytes = answered.map_err(|error| match error {
        CallError::Timeout => SessionEnd::lost(
            "timeout",
            format!("{} does not answer in time", line.place()),
        ),
        CallError::Closed(what) => {
            SessionEnd::lost("connection_closed", format!("{}: {what}", line.place()))
        }
        CallError::Invalid(what) => untrusted(line, &what),
    })?;
    let answer = cip::answer(&bytes, LIST).map_err(|what| untrusted(line, &what))?;
    if !matches!(answer.status.general, DONE | MORE) {
        let is_way = fault::is_way(answer.service, answer.status);
        let what = if is_way {
            fault::way(answer.status).to_owned()
        } else {
            fault::of(answer.status).message
        };
        let message = format!("{} lists no tags: {what}", line.place());
        return Err(SessionEnd::lost("no_list", message));
    }
    let page = symbols::page(answer.data).map_err(|what| untrusted(line, &what))?;
    Ok((answer.status.general == DONE, page))
}

fn untrusted(line: &Line, what: &str) -> SessionEnd {
    let message = format!(
        "{} sent something that cannot be trusted: {what}",
        line.place()
    );
    SessionEnd::lost("invalid_answer", message)
}

fn found(program: Option<&str>, symbol: &Symbol) -> Found {
    let name = symbol.name.as_str();
    let scoped = program.map_or_else(
        || name.to_owned(),
        |scope| format!("Program:{scope}.{name}"),
    );
    let mut operation = json!({ "tagName": scoped });
    let mut obstacle = None;
    let length = |most: u32, elements: u32| elements.min(most).max(1);
    match (symbol.data_type(), symbol.dimensions()) {
        (Some(_), [words]) if symbol.is_packed() => {
            operation["tagName"] = format!("{scoped}[0]").into();
            operation["packed"] = true.into();
            operation["length"] = length(ARRAY_MAX, words.saturating_mul(32)).into();
        }
        (Some(data_type), []) => operation["tagType"] = data_type.name.into(),
        (Some(data_type), [elements]) => {
            operation["tagType"] = data_type.name.into();
            operation["length"] = length(ARRAY_MAX, *elements).into();
        }
        (Some(_), _) => {
            obstacle = Some("an array of several dimensions: name an element, as [0,0]".into());
        }
        (None, _) => {
            let what = "a structure: name a member, or set `tagType: STRING` if it is a string";
            obstacle = Some(what.into());
        }
    }
    let array = operation
        .get("length")
        .and_then(Value::as_u64)
        .is_some_and(|count| count > 1);
    let value_type = symbol.data_type().filter(|_| obstacle.is_none());
    let scalar = |data_type: DataType| match symbol.is_packed() {
        true => mainstem_model::Scalar::Bool,
        false => data_type.scalar,
    };
    Found {
        path: program
            .into_iter()
            .map(str::to_owned)
            .chain([name.to_owned()])
            .collect(),
        address: operation["tagName"].as_str().unwrap_or_default().to_owned(),
        operation,
        value_type: value_type.map(|data_type| mainstem_model::ValueType {
            scalar: scalar(data_type),
            array,
        }),
        access: Access::Read,
        unit: None,
        description: None,
        sample: None,
        obstacle,
    }
}
