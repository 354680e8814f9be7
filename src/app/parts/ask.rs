//! What the API asks of the running parts, and tells them.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::Request;
use mainstem_adapter::{AdapterView, AskError, TraceReader};
use mainstem_bus::Bus;
use mainstem_datalogger::recorder::Book;
use mainstem_flowsync::FlowSync;
use mainstem_http::{CertificateRefusal, DiskSpace, Forwarded, PartError, Parts};
use mainstem_mapping::Mappings;
use mainstem_model::{Monotonic, Name};
use mainstem_remote::{Below, RemoteView, SupportBody, SupportError, Tunnels, UplinkView};
use mainstem_security::FeedEpoch;
use mainstem_store::SourceId;
use mainstem_wire::api::BusDocument;
use mainstem_wire::api::doctor::LinkDoctor;
use mainstem_wire::api::explain::{ExplainStep, LinkExplain};
use mainstem_wire::api::{LinkHeld, LinkHold};

use mainstem_wire::api::history::{LinkSums, LinkSumsDocument};
use mainstem_wire::api::{CertificateDocument, OpcuaServerDocument};

use super::RunningParts;
use crate::app::adapters::RunningAdapter;
use crate::app::disk;
use crate::app::links::RunningLink;

impl RunningParts {
    fn with_adapter<T>(&self, name: &str, act: impl FnOnce(&RunningAdapter) -> T) -> Option<T> {
        self.adapters
            .read()
            .get(name)
            .map(|(_, adapter)| act(adapter))
    }

    /// Asks the device behind a datapoint; nothing if its connection does not run.
    pub(in crate::app) fn ask_adapter(
        &self,
        datapoint: &Name,
        arguments: serde_json::Value,
        patience: std::time::Duration,
    ) -> Option<BoxFuture<'static, Result<serde_json::Value, AskError>>> {
        let (adapter, point) = datapoint.as_str().split_once('.')?;
        let deadline = self.store.clock().monotonic().after(patience);
        self.with_adapter(adapter, |adapter| {
            let point = adapter.runner.point(point)?;
            let asked = adapter.runner.ask(point, arguments, deadline);
            Some(Box::pin(asked) as BoxFuture<'static, Result<serde_json::Value, AskError>>)
        })?
    }

    fn with_remote<T>(&self, name: &str, act: impl FnOnce(&RunningLink) -> T) -> Option<T> {
        self.remotes.read().get(name).map(|(_, link)| act(link))
    }
}

impl Parts for RunningParts {
    fn adapters(&self) -> Vec<AdapterView> {
        self.adapters
            .read()
            .values()
            .map(|(_, adapter)| adapter.runner.view())
            .collect()
    }

    fn adapter(&self, name: &str) -> Option<AdapterView> {
        self.with_adapter(name, |adapter| adapter.runner.view())
    }

    fn pause_adapter(&self, name: &str) -> Result<(), PartError> {
        self.with_adapter(name, |adapter| adapter.runner.pause())
            .ok_or(PartError::Unknown)
    }

    fn resume_adapter(&self, name: &str) -> Result<(), PartError> {
        self.with_adapter(name, |adapter| adapter.runner.resume())
            .ok_or(PartError::Unknown)
    }

    fn trace_adapter(&self, name: &str) -> Result<TraceReader, PartError> {
        let opened = self.with_adapter(name, |adapter| adapter.runner.trace());
        let opened = opened.ok_or(PartError::Unknown)?;
        opened.map_err(|busy| PartError::Busy(busy.to_string()))
    }

    fn remotes(&self) -> Vec<RemoteView> {
        self.remotes
            .read()
            .values()
            .map(|(_, link)| link.view())
            .collect()
    }

    fn remote(&self, name: &str) -> Option<RemoteView> {
        self.with_remote(name, RunningLink::view)
    }

    fn pause_remote(&self, name: &str) -> Result<(), PartError> {
        self.with_remote(name, RunningLink::pause)
            .ok_or(PartError::Unknown)
    }

    fn resume_remote(&self, name: &str) -> Result<(), PartError> {
        self.with_remote(name, RunningLink::resume)
            .ok_or(PartError::Unknown)
    }

    fn resync_remote(&self, name: &str, in_full: bool) -> Result<(), PartError> {
        self.with_remote(name, |link| link.resync(in_full))
            .ok_or(PartError::Unknown)
    }

    fn pass_start(&self, known: u32) {
        // Once in a node's life, so that it waits for the disk here.
        if let Err(error) = FeedEpoch::pass(&self.folder, known) {
            tracing::warn!(%error, known, "the count of starts stays behind what a reader knows");
        }
    }

    fn uplinks(&self) -> Vec<UplinkView> {
        self.uplinks.views()
    }

    fn tunnels(&self) -> Option<&Tunnels> {
        Some(&self.tunnels)
    }

    fn forward(
        &self,
        remote: &str,
        request: Request<SupportBody>,
    ) -> Option<BoxFuture<'static, Forwarded>> {
        self.with_remote(remote, |link| match link.mainstem() {
            Some(link) => Box::pin(link.forward(request)) as BoxFuture<'static, Forwarded>,
            None => Box::pin(std::future::ready(Err(SupportError::NotANode))),
        })
    }

    fn opcua_server(&self) -> BoxFuture<'static, Option<OpcuaServerDocument>> {
        Box::pin(crate::app::opcua::state(self.opcua.server()))
    }

    fn opcua_certificates(
        &self,
    ) -> BoxFuture<'static, Result<Vec<CertificateDocument>, CertificateRefusal>> {
        Box::pin(crate::app::opcua::certificates(self.opcua.server()))
    }

    fn decide_opcua_certificate(
        &self,
        thumbprint: String,
        trusted: bool,
    ) -> BoxFuture<'static, Result<(), CertificateRefusal>> {
        Box::pin(crate::app::opcua::decide(
            self.opcua.server(),
            thumbprint,
            trusted,
        ))
    }

    fn flowsync(&self) -> Option<Arc<FlowSync>> {
        self.server_nodes.flow().cloned()
    }

    fn bus(&self) -> Option<Arc<dyn Bus>> {
        self.bus.bus()
    }

    fn bus_document(&self) -> BoxFuture<'static, Option<BusDocument>> {
        Box::pin(self.bus.document())
    }

    fn mappings(&self) -> Option<Arc<Mappings>> {
        self.mappings.get()
    }

    fn loggers(&self) -> Option<Arc<Book>> {
        self.loggers.book()
    }

    fn explain_below(
        &self,
        link: SourceId,
        ask: LinkExplain,
    ) -> Option<BoxFuture<'static, Vec<ExplainStep>>> {
        let remotes = self.remotes.read();
        let mut links = remotes.values().filter_map(|(_, link)| link.mainstem());
        let found = links.find(|found| found.source() == link)?;
        Some(Box::pin(found.explain(ask)))
    }

    fn hold_below(
        &self,
        ask: LinkHold,
        deadline: Monotonic,
    ) -> Option<BoxFuture<'static, LinkHeld>> {
        let remotes = self.remotes.read();
        let below = |prefix: &Name| ask.name.strip_prefix(prefix.as_str());
        let found = remotes
            .values()
            .find(|(config, _)| below(&config.prefix).is_some_and(|rest| rest.starts_with('.')));
        let link = found?.1.mainstem()?;
        Some(Box::pin(link.hold(ask, deadline)))
    }

    fn doctor_below(&self, name: &str, ask: LinkDoctor) -> Option<BoxFuture<'static, Below>> {
        let remotes = self.remotes.read();
        let (_, link) = remotes.get(name)?;
        Some(Box::pin(link.mainstem()?.doctor(ask)))
    }

    fn logger_sums(
        &self,
        remote: &str,
        ask: LinkSums,
    ) -> Option<BoxFuture<'static, Result<LinkSumsDocument, String>>> {
        let remotes = self.remotes.read();
        let (_, link) = remotes.get(remote)?;
        Some(Box::pin(link.mainstem()?.sums(ask)))
    }

    fn disk(&self) -> BoxFuture<'static, Option<DiskSpace>> {
        Box::pin(disk::space(self.folder.clone()))
    }
}
