//! How the server delivers, and whom it tells that something doesn't arrive.

use std::num::NonZeroUsize;

use anyhow::{Context as _, bail};
use clap::Args;
use countersign_dispatch::{CONCURRENCY, DISABLE_AFTER, Dispatcher, Schedule, WARN_AFTER, mail::Mailer};
use countersign_store::outbox::{OutboxStore, Retention};
use zeroize::Zeroizing;

use super::{
    count::Count,
    file::File,
    layers::{Layers, List, Setting, text},
    sample,
};
use crate::span::Span;

/// How it delivers: settings of the [`Dispatcher`].
pub(super) struct Delivering {
    pub(super) schedule: Setting<List<Span>>,
    pub(super) concurrency: Setting<Count>,
    pub(super) warn_after: Setting<Span>,
    pub(super) disable_after: Setting<Span>,
    pub(super) keep_for: Setting<Span>,
    pub(super) keep_messages: Setting<u64>,
    /// The tenant whose endpoints are told what happens; nobody's, where it is empty.
    pub(super) announce_to: Setting<String>,
    pub(super) mail_to: Setting<List<String>>,
    pub(super) mail_from: Setting<String>,
    pub(super) smtp_unencrypted: Setting<bool>,
    /// The URL of the server that takes mails.
    pub(super) smtp: Option<Zeroizing<String>>,
}

#[derive(Args, Default)]
#[command(next_help_heading = "Delivering")]
pub(crate) struct DeliveringArgs {
    /// How long to wait after each attempt that failed, at most [default: 5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 1d]
    #[arg(long, value_name = "WAIT,…")]
    pub(super) schedule: Option<List<Span>>,
    /// How many attempts are under way at once [default: 64]
    #[arg(long, value_name = "ATTEMPTS")]
    pub(super) concurrency: Option<Count>,
    /// After how long of failing to warn of an endpoint [default: 5d]
    #[arg(long, value_name = "TIME")]
    pub(super) warn_after: Option<Span>,
    /// After how long of failing to disable an endpoint [default: 7d]
    #[arg(long, value_name = "TIME")]
    pub(super) disable_after: Option<Span>,
    /// For how long to keep messages that have nothing left to deliver [default: 30d]
    #[arg(long, value_name = "TIME")]
    pub(super) keep_for: Option<Span>,
    /// How many messages to keep that have nothing left to deliver [default: 1000000]
    #[arg(long, value_name = "MESSAGES")]
    pub(super) keep_messages: Option<u64>,
    /// Tells endpoints of this tenant, which is the operator's own, what happens to the others
    #[arg(long, value_name = "TENANT")]
    pub(super) announce_to: Option<String>,
    /// Mails there what happens to endpoints, by the server of COUNTERSIGN_SMTP_URL (repeatable)
    #[arg(long, value_name = "ADDRESS")]
    pub(super) mail_to: Vec<String>,
    /// The sender of the mails
    #[arg(long, value_name = "ADDRESS")]
    pub(super) mail_from: Option<String>,
    /// Hands mails to an smtp:// server without encryption: to a relay on this machine
    #[arg(long)]
    pub(super) smtp_unencrypted: bool,
}

impl Delivering {
    /// # Errors
    /// A value that can't be used.
    pub(super) fn read(layers: &Layers<'_>, flags: &DeliveringArgs, file: &mut File) -> anyhow::Result<Self> {
        Ok(Delivering {
            schedule: layers.setting(
                flags.schedule.clone(),
                "COUNTERSIGN_SCHEDULE",
                file.schedule.take(),
                || waits(&Schedule::default()),
            )?,
            concurrency: layers.setting(
                flags.concurrency,
                "COUNTERSIGN_CONCURRENCY",
                file.concurrency,
                || AT_ONCE,
            )?,
            warn_after: layers.setting(
                flags.warn_after,
                "COUNTERSIGN_WARN_AFTER",
                file.warn_after,
                || Span(WARN_AFTER),
            )?,
            disable_after: layers.setting(
                flags.disable_after,
                "COUNTERSIGN_DISABLE_AFTER",
                file.disable_after,
                || Span(DISABLE_AFTER),
            )?,
            keep_for: layers.setting(flags.keep_for, "COUNTERSIGN_KEEP_FOR", file.keep_for, || {
                Span(Retention::default().age)
            })?,
            keep_messages: layers.setting(
                flags.keep_messages,
                "COUNTERSIGN_KEEP_MESSAGES",
                file.keep_messages,
                || Retention::default().messages,
            )?,
            announce_to: layers.setting(
                flags.announce_to.clone(),
                "COUNTERSIGN_ANNOUNCE_TO",
                file.announce_to.take(),
                String::new,
            )?,
            mail_to: layers.list(&flags.mail_to, "COUNTERSIGN_MAIL_TO", file.mail_to.take())?,
            mail_from: layers.setting(
                flags.mail_from.clone(),
                "COUNTERSIGN_MAIL_FROM",
                file.mail_from.take(),
                String::new,
            )?,
            smtp_unencrypted: layers.switch(
                flags.smtp_unencrypted.then_some(true),
                "COUNTERSIGN_SMTP_UNENCRYPTED",
                file.smtp_unencrypted,
            )?,
            smtp: text(SMTP_URL)?,
        })
    }

    /// That of the sample, which is short, to be watched.
    pub(super) fn of_sample() -> Self {
        Delivering {
            schedule: Setting::default(waits(&Schedule::new(sample::WAITS))),
            concurrency: Setting::default(AT_ONCE),
            warn_after: Setting::default(Span(sample::WARN_AFTER)),
            disable_after: Setting::default(Span(sample::DISABLE_AFTER)),
            keep_for: Setting::default(Span(Retention::default().age)),
            keep_messages: Setting::default(Retention::default().messages),
            announce_to: Setting::default(String::new()),
            mail_to: Setting::default(List(Vec::new())),
            mail_from: Setting::default(String::new()),
            smtp_unencrypted: Setting::default(false),
            smtp: None,
        }
    }

    /// # Errors
    /// Settings that contradict each other.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let (warn_after, disable_after) = (self.warn_after.value, self.disable_after.value);
        if warn_after.0 > disable_after.0 {
            bail!(
                "an endpoint would be disabled after {disable_after} and warned of after {warn_after}: \
                 set disable_after to more, or warn_after to less"
            );
        }
        self.mailer().map(drop)
    }

    /// What sends mails, where somebody wants them.
    ///
    /// # Errors
    /// An address or a server that can't be used, or that is missing.
    pub(super) fn mailer(&self) -> anyhow::Result<Option<Mailer>> {
        let (to, from) = (&self.mail_to.value.0, &self.mail_from.value);
        if to.is_empty() {
            return Ok(None);
        }
        let Some(smtp) = self.smtp.as_ref().filter(|_| !from.is_empty()) else {
            bail!(
                "mails need a server, which {SMTP_URL} names, and a sender: --mail-from webhooks@example.com"
            );
        };
        let builder = to.iter().fold(Mailer::builder(smtp, from), |builder, to| builder.to(to));
        let builder = if self.smtp_unencrypted.value { builder.unencrypted() } else { builder };
        builder.build().map(Some).context("mails can't be sent")
    }

    /// The dispatcher that delivers so.
    pub(super) fn apply<S: OutboxStore>(&self, dispatcher: Dispatcher<S>) -> Dispatcher<S> {
        let waits: Vec<_> = self.schedule.value.0.iter().map(|wait| wait.0).collect();
        let retention = Retention { age: self.keep_for.value.0, messages: self.keep_messages.value };
        let dispatcher = dispatcher
            .schedule(Schedule::new(waits))
            .concurrency(self.concurrency.value.0.get())
            .failure_clock(self.warn_after.value.0, self.disable_after.value.0)
            .retention(retention);
        match &*self.announce_to.value {
            "" => dispatcher,
            tenant => dispatcher.announce_to(Some(tenant.to_owned())),
        }
    }
}

fn waits(schedule: &Schedule) -> List<Span> {
    List(schedule.waits().iter().copied().map(Span).collect())
}

/// The URL of the server that takes mails, which may hold a password.
pub(super) const SMTP_URL: &str = "COUNTERSIGN_SMTP_URL";
const AT_ONCE: Count = Count(NonZeroUsize::new(CONCURRENCY).unwrap());
