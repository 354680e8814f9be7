//! The beginning of a session: who the program is, and its connection to the device.

use mainstem_adapter::{LogSource, SessionEnd};
use mainstem_model::Monotonic;

use super::conversation::Conversation;
use super::{Ending, Plan};
use crate::order::{Order, PROTOCOL, Setup};
use crate::peer::Event;
use crate::schema;
use crate::word::{Failure, Hello, Retry, Word};

/// The word in a program's features that it sends samples by itself.
const SUBSCRIBE: &str = "subscribe";

impl Conversation<'_> {
    /// Hello, and what the program makes of its configuration. Nothing is asked of a program that
    /// was greeted in an earlier session.
    pub(super) async fn greet(&mut self, until: Monotonic) -> Result<bool, Ending> {
        if self.program.hello.is_some() {
            return Ok(false);
        }
        let word = self.word_until(until, "say hello").await?;
        let Some(hello) = word.hello else {
            let message = "the program's first line is no hello: see docs/CONNECTORS.md";
            return Err(Ending::program(misconfigured(message.into())));
        };
        check(&hello, self.plan).map_err(Ending::program)?;
        tracing::info!(
            connector = self.plan.name,
            program = hello.program,
            "a connector runs"
        );
        self.program.hello = Some(hello);
        Ok(true)
    }

    /// The connection to the device. Returns whether the program sends samples by itself.
    pub(super) async fn connect(&mut self, is_new: bool, until: Monotonic) -> Result<bool, Ending> {
        let setup = Setup {
            protocol: PROTOCOL,
            name: &self.plan.name,
            config: &self.plan.config.config,
            points: &self.plan.points,
        };
        let order = match is_new {
            true => Order::Connect(setup),
            false => Order::Reconnect(setup),
        };
        self.order(&order)?;
        loop {
            let word = self.word_until(until, "connect or say why not").await?;
            if let Some(failure) = word.failed {
                return Err(Ending::device(refused(failure)));
            }
            if word.connected {
                self.io.online();
                self.samples(word.samples);
                break;
            }
        }
        let features = self.program.hello.iter().flat_map(|hello| &hello.features);
        Ok(features.into_iter().any(|feature| feature == SUBSCRIBE))
    }

    /// The next line of the program, whatever it logs meanwhile.
    async fn word_until(&mut self, until: Monotonic, what: &str) -> Result<Word, Ending> {
        loop {
            let late = self.io.sleep_until(until);
            let event = tokio::select! {
                event = self.program.event() => event,
                () = late => {
                    let message = format!("the program did not {what} in time: see \
                        `connectTimeoutMs`, and what it writes to its standard error");
                    return Err(Ending::program(SessionEnd::lost("timeout", message)));
                }
            };
            match event {
                Event::Line(line) => {
                    let word = self.parse(&line)?;
                    match word.log {
                        Some(text) => self.log(LogSource::Program, &text),
                        None => return Ok(word),
                    }
                }
                Event::Log(text) => self.log(LogSource::Errors, &text),
                Event::Ended(why) => return Err(Ending::program(SessionEnd::lost("ended", why))),
            }
        }
    }
}

fn check(hello: &Hello, plan: &Plan) -> Result<(), SessionEnd> {
    if hello.protocol != PROTOCOL {
        return Err(misconfigured(format!(
            "the program speaks version {} of the line protocol, this node version {PROTOCOL}",
            hello.protocol
        )));
    }
    match schema::check(&hello.schema, &plan.config.config, &plan.points) {
        Some(problems) => Err(misconfigured(format!(
            "the program's schema does not allow this configuration: {problems}"
        ))),
        None => Ok(()),
    }
}

fn refused(failure: Failure) -> SessionEnd {
    let message = failure.message;
    match failure.retry {
        Retry::Soon => SessionEnd::lost("connector", message),
        Retry::Later => SessionEnd::Refused {
            code: "connector",
            message,
            retry_after: None,
        },
        Retry::Never => misconfigured(message),
    }
}

fn misconfigured(message: String) -> SessionEnd {
    SessionEnd::Misconfigured { message }
}
