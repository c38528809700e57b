//! The server's log: lines on standard error.

use std::{
    fmt::{self, Display},
    io::{self, IsTerminal as _},
    str::FromStr,
};

use clap::ValueEnum;
use serde::Deserialize;
use tracing::Subscriber;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt as lines,
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use super::{settings::Settings, traces::Traces};
use crate::output;

/// How a line is written.
#[derive(Clone, Copy, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// A JSON object a line
    Json,
}

/// What is written: this and all that is worse.
#[derive(Clone, Copy, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    /// What has to be mended
    Error,
    /// Failures that are tried again
    Warn,
    /// What happens
    Info,
    /// What happens all the time
    Debug,
    /// Everything
    Trace,
}

/// The log, and what else the server says on standard error: where the log is for programs, as lines of it.
#[derive(Clone, Copy)]
pub(super) struct Log {
    format: LogFormat,
    level: LogLevel,
}

impl Log {
    pub(super) fn of(settings: &Settings) -> Self {
        Log { format: settings.log_format.value, level: settings.log_level.value }
    }

    /// Of a command that works in the database itself, and doesn't run for long.
    pub(super) fn of_command() -> Self {
        Log { format: LogFormat::Text, level: LogLevel::Error }
    }

    /// Writes what happens from now on.
    pub(super) fn start_alone(self) {
        tracing_subscriber::registry().with(self.lines()).init();
    }

    /// Writes what happens from now on, and traces it where that is wanted. Beyond what happens libraries say nothing:
    /// they know too much.
    pub(super) fn start(self, traces: &Traces) {
        tracing_subscriber::registry().with(self.lines()).with(traces.layer()).init();
    }

    /// Says something that the operator should know, before anything happens.
    pub(super) fn note(self, text: impl Display) {
        match self.format {
            LogFormat::Text => output::note(text),
            LogFormat::Json => self.line(|| tracing::info!(target: "countersign", "{text}")),
        }
    }

    /// Says something that the operator should do otherwise.
    pub(super) fn warning(self, text: impl Display) {
        match self.format {
            LogFormat::Text => output::warning(text),
            LogFormat::Json => self.line(|| tracing::warn!(target: "countersign", "{text}")),
        }
    }

    /// Says why the server didn't start, or has broken down.
    pub(super) fn error(self, error: &anyhow::Error) {
        match self.format {
            LogFormat::Text => output::error(error),
            LogFormat::Json => self.line(|| tracing::error!(target: "countersign", "{error:#}")),
        }
    }

    /// Writes one line, whether the log has been started or not.
    fn line(self, line: impl FnOnce()) {
        tracing::subscriber::with_default(tracing_subscriber::registry().with(self.lines()), line);
    }

    fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(self) -> impl Layer<S> {
        let level = self.level.filter();
        let wanted =
            Targets::new().with_default(level.min(LevelFilter::INFO)).with_target("countersign", level);
        let layer = lines::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
        let layer = match self.format {
            LogFormat::Text => layer.boxed(),
            LogFormat::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
        };
        layer.with_filter(wanted)
    }
}

impl LogLevel {
    fn filter(self) -> LevelFilter {
        match self {
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        }
    }
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        <LogFormat as ValueEnum>::from_str(text, false).map_err(|_| "a format is text or json")
    }
}

impl FromStr for LogLevel {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let level = <LogLevel as ValueEnum>::from_str(text, false);
        level.map_err(|_| "a level is error, warn, info, debug or trace")
    }
}

impl Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        })
    }
}

impl Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        })
    }
}
