//! What the API asks of the running parts, and tells them.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::Request;
use mainstem_adapter::AdapterView;
use mainstem_datalogger::recorder::Book;
use mainstem_http::{DiskSpace, Forwarded, PartError, Parts};
use mainstem_remote::{Below, RemoteView, SupportBody, SupportError, Tunnels, UplinkView};
use mainstem_security::FeedEpoch;
use mainstem_store::SourceId;
use mainstem_wire::api::doctor::LinkDoctor;
use mainstem_wire::api::explain::{ExplainStep, LinkExplain};
use mainstem_wire::api::history::{LinkSums, LinkSumsDocument};

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
