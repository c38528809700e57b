//! Operational events by email, over SMTP.
//!
//! A [`Mailer`] knows the server and the people; once it is [started](Mailer::start) there is a [`Postbox`],
//! whose [handler](Postbox::handler) the dispatcher tells its events:
//!
//! ```no_run
//! use countersign_dispatch::{Dispatcher, Outbox, mail::Mailer};
//! # use countersign_store::outbox::OutboxStore;
//! # use countersign_transport::Transport;
//!
//! # async fn app(store: impl OutboxStore, transport: Transport, shutdown: impl Future<Output = ()>, smtp_url: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let outbox = Outbox::new(store);
//! let mailer = Mailer::builder(smtp_url, "Webhooks <webhooks@example.com>").to("oncall@example.com").build()?;
//! let postbox = mailer.start(outbox.clone());
//!
//! Dispatcher::new(outbox, transport).on_event(postbox.handler()).run(shutdown).await;
//! postbox.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! A mail says what has happened, since when, how many deliveries wait and how many were given up, and what
//! there is to do. It shows ids, names, and the scheme and host of the endpoint's URL.
//!
//! The dispatcher never waits for a mail: its events wait in a queue that is bounded, and one mail at a time
//! is sent, within a limit of time. What can't be sent is logged and counted. Mails about one endpoint with
//! one event type come once an hour at most.
//!
//! `smtps://` is TLS from the start, `smtp://` STARTTLS, without which nothing is sent; only
//! [`unencrypted`](MailerBuilder::unencrypted) is without encryption, and then without a password.

use std::{fmt, time::Duration};

use countersign_store::outbox::OutboxStore;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    address::Envelope,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use metrics::counter;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

use self::letter::Letter;
pub use self::{
    builder::MailerBuilder,
    error::{MailerError, MailerErrorKind},
    postbox::Postbox,
};
use crate::{Outbox, Schedule, clock, random};

mod builder;
mod error;
mod letter;
mod postbox;
mod quiet;

/// Sends mails about operational events; see the [module's page](self).
pub struct Mailer {
    smtp: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    schedule: Schedule,
    timeout: Duration,
    room: usize,
    quiet: Duration,
    grace: Duration,
}

impl Mailer {
    /// A mailer that hands its mails to the SMTP server at `url`, such as
    /// `smtps://user:password@mail.example.com`, with `from` as their sender. A user name or password with
    /// other signs than letters and digits is percent-encoded.
    #[must_use]
    pub fn builder(url: &str, from: &str) -> MailerBuilder {
        MailerBuilder::new(url, from)
    }

    /// Starts the task that sends the mails. It counts in `outbox` what waits for an endpoint.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start<S: OutboxStore>(self, outbox: Outbox<S>) -> Postbox {
        Postbox::open(self, outbox)
    }

    /// Sends a letter to each recipient, and tells the log and the metrics what came of it.
    async fn send(&self, letter: Letter) {
        let Ok(mail) = self.mail(letter) else {
            return error!(target: "countersign", "a mail could not be written");
        };
        let bytes = mail.formatted();
        for to in &self.to {
            let outcome = match Envelope::new(Some(self.from.email.clone()), vec![to.email.clone()]) {
                Ok(envelope) => self.deliver(&envelope, &bytes).await,
                Err(_) => "failed",
            };
            count(outcome);
        }
    }

    /// The mail as it is sent. It says that a machine has written it, so that none answers.
    fn mail(&self, letter: Letter) -> Result<Message, lettre::error::Error> {
        let builder = Message::builder().from(self.from.clone());
        let builder = self.to.iter().fold(builder, |builder, to| builder.to(to.clone()));
        let id = format!("{:x}.{:x}", clock::unix_micros(), getrandom::u64().unwrap_or_default());
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        builder
            .subject(letter.subject)
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text)
    }

    /// Tries until the mail is sent, the server has refused it for good, or the schedule ends.
    async fn deliver(&self, envelope: &Envelope, mail: &[u8]) -> &'static str {
        let mut step = 1;
        loop {
            let (reason, for_good) = match self.attempt(envelope, mail).await {
                Ok(()) => {
                    info!(target: "countersign", "mail sent");
                    return "sent";
                }
                Err(failed) => failed,
            };
            let wait = self.schedule.after(step, None, random::unit()).filter(|_| !for_good);
            let Some(wait) = wait else {
                error!(target: "countersign", reason, "mail not sent");
                return "failed";
            };
            warn!(target: "countersign", reason, "mail not sent yet");
            sleep(wait).await;
            step += 1;
        }
    }

    /// Sends once. Where that fails, says why, and whether for good.
    async fn attempt(&self, envelope: &Envelope, mail: &[u8]) -> Result<(), (String, bool)> {
        match timeout(self.timeout, self.smtp.send_raw(envelope, mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err((reason(&error), error.is_permanent())),
            Err(_) => Err((TIMEOUT.to_owned(), false)),
        }
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("recipients", &self.to.len()).finish_non_exhaustive()
    }
}

/// Why a mail was not sent. Of what the server has said, its code alone: its words could repeat what it was
/// sent.
fn reason(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the server answered {code}"),
        None if error.is_timeout() => TIMEOUT.to_owned(),
        None if error.is_response() => "the server's answer can't be read".to_owned(),
        None => error.to_string(),
    }
}

/// Counts a mail, or an event that isn't mailed.
fn count(outcome: &'static str) {
    counter!("countersign_mails_total", "outcome" => outcome).increment(1);
}

const TIMEOUT: &str = "the server did not answer in time";
