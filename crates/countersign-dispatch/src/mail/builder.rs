//! How a mailer is configured.

use std::{fmt, time::Duration};

use lettre::{
    AsyncSmtpTransport, Tokio1Executor,
    message::Mailbox,
    transport::smtp::client::{Certificate, Tls, TlsParameters},
};
use url::Url;

use super::{Mailer, MailerError, MailerErrorKind};
use crate::Schedule;

/// Settings of a [`Mailer`]. `Debug` shows neither the URL nor an address.
#[derive(Clone)]
pub struct MailerBuilder {
    url: String,
    from: String,
    to: Vec<String>,
    roots: Vec<Vec<u8>>,
    unencrypted: bool,
    schedule: Schedule,
    timeout: Duration,
    room: usize,
    quiet: Duration,
    grace: Duration,
}

impl MailerBuilder {
    pub(super) fn new(url: &str, from: &str) -> Self {
        MailerBuilder {
            url: url.to_owned(),
            from: from.to_owned(),
            to: Vec::new(),
            roots: Vec::new(),
            unencrypted: false,
            schedule: Schedule::new([Duration::from_secs(10), Duration::from_secs(60)]),
            timeout: Duration::from_secs(30),
            room: 100,
            quiet: Duration::from_secs(3600),
            grace: Duration::from_secs(10),
        }
    }

    /// Adds a recipient. Each is sent a mail of its own, so that an address that is refused keeps no other
    /// from its mail.
    #[must_use]
    pub fn to(mut self, address: &str) -> Self {
        self.to.push(address.to_owned());
        self
    }

    /// Trusts the authorities of a PEM file beside Mozilla's: for a server with a certificate of one's own.
    #[must_use]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Speaks to an `smtp://` server without any encryption, in place of STARTTLS: for a relay on the same
    /// machine. The URL can't hold a password then.
    #[must_use]
    pub fn unencrypted(mut self) -> Self {
        self.unencrypted = true;
        self
    }

    /// When a mail is tried again that could not be sent, and how often: after 10 and 60 seconds by default,
    /// each by chance up to that long. One that the server refuses for good (5xx) is not.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// How long sending a mail may take: 30 seconds by default.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// How many events wait at most, 100 by default and at least 1. What comes when there is no room is not
    /// mailed, but logged and counted.
    #[must_use]
    pub fn room(mut self, events: usize) -> Self {
        self.room = events.max(1);
        self
    }

    /// For how long a mail about an endpoint keeps back others with the same event type and endpoint: an
    /// hour by default. An endpoint that fails for days gives up deliveries by the thousand.
    #[must_use]
    pub fn quiet(mut self, span: Duration) -> Self {
        self.quiet = span;
        self
    }

    /// How long [`stop`](super::Postbox::stop) waits for mails that are still to be sent: 10 seconds by
    /// default.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The mailer. Nothing is sent yet, and the server isn't called.
    ///
    /// # Errors
    /// Where the URL, an address or a certificate can't be used.
    pub fn build(self) -> Result<Mailer, MailerError> {
        let to: Vec<Mailbox> = self.to.iter().map(|address| mailbox(address)).collect::<Result<_, _>>()?;
        if to.is_empty() {
            return Err(MailerError::new(MailerErrorKind::NoRecipient));
        }
        Ok(Mailer {
            smtp: self.transport()?,
            from: mailbox(&self.from)?,
            to,
            schedule: self.schedule,
            timeout: self.timeout,
            room: self.room,
            quiet: self.quiet,
            grace: self.grace,
        })
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailerError> {
        let refused = |kind| Err(MailerError::new(kind));
        let url = server(&self.url).ok_or(MailerError::new(MailerErrorKind::Url))?;
        let host = url.host_str().unwrap_or_default();
        let tls = match url.scheme() {
            "smtps" => Tls::Wrapper(self.tls(host)?),
            _ if !self.unencrypted => Tls::Required(self.tls(host)?),
            _ if url.password().is_some() => return refused(MailerErrorKind::Password),
            _ => Tls::None,
        };
        let default = if url.scheme() == "smtps" { SUBMISSIONS } else { SUBMISSION };
        // The URL can't say anything of TLS here: that it is asked for is never left to a text.
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str());
        let builder = builder.map_err(|_| MailerError::new(MailerErrorKind::Url))?;
        let builder = builder.port(url.port().unwrap_or(default)).tls(tls);
        Ok(builder.timeout(Some(self.timeout)).build())
    }

    fn tls(&self, host: &str) -> Result<TlsParameters, MailerError> {
        let certificate = |pem: &Vec<u8>| {
            let is_pem = pem.windows(BEGIN.len()).any(|part| part == BEGIN);
            let read = is_pem.then(|| Certificate::from_pem(pem).ok()).flatten();
            read.ok_or(MailerError::new(MailerErrorKind::Certificate))
        };
        let roots: Vec<_> = self.roots.iter().map(certificate).collect::<Result<_, _>>()?;
        let builder = TlsParameters::builder(host.to_owned());
        let builder = roots.into_iter().fold(builder, |builder, root| builder.add_root_certificate(root));
        builder.build().map_err(|_| MailerError::new(MailerErrorKind::Tls))
    }
}

impl fmt::Debug for MailerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailerBuilder").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// The URL of an SMTP server: a scheme, a host, and perhaps a user with a password, and a port.
fn server(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_smtp =
        matches!(url.scheme(), "smtp" | "smtps") && url.host_str().is_some_and(|host| !host.is_empty());
    let ends = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let both_or_neither = url.username().is_empty() == url.password().is_none();
    (is_smtp && ends && both_or_neither).then_some(url)
}

fn mailbox(address: &str) -> Result<Mailbox, MailerError> {
    address.parse().map_err(|_| MailerError::new(MailerErrorKind::Address))
}

/// The ports on which servers take mails from applications: with STARTTLS, and with TLS from the start.
const SUBMISSION: u16 = 587;
const SUBMISSIONS: u16 = 465;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
