//! Why mails can't be sent.

use std::fmt;

/// Why a [`Mailer`](super::Mailer) can't be built. Shows no part of what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailerError(MailerErrorKind);

/// What is wrong with a mailer's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MailerErrorKind {
    /// The URL of the SMTP server can't be used.
    Url,
    /// The URL holds a password that would be sent without encryption.
    Password,
    /// An address can't be read.
    Address,
    /// There is nobody to send mails to.
    NoRecipient,
    /// A root certificate can't be read.
    Certificate,
    /// TLS can't be set up.
    Tls,
}

impl MailerError {
    pub(super) fn new(kind: MailerErrorKind) -> Self {
        MailerError(kind)
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> MailerErrorKind {
        self.0
    }
}

impl fmt::Display for MailerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            MailerErrorKind::Url => {
                "the SMTP server's URL is smtps://user:password@host:port (TLS from the start) or \
                 smtp://… (STARTTLS), user and password both or neither, with nothing behind the port"
            }
            MailerErrorKind::Password => {
                "a password is never sent without encryption: use smtps://, or smtp:// without `unencrypted`"
            }
            MailerErrorKind::Address => "an address is written name@host, or Name <name@host>",
            MailerErrorKind::NoRecipient => "there is nobody to send mails to: add an address with `to`",
            MailerErrorKind::Certificate => "a root certificate is PEM: -----BEGIN CERTIFICATE-----",
            MailerErrorKind::Tls => "TLS can't be set up",
        })
    }
}

impl std::error::Error for MailerError {}
