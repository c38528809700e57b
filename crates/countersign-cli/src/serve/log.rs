//! The server's log: lines on standard error.

use std::{
    fmt::{self, Display},
    io::{self, IsTerminal as _},
    str::FromStr,
};

use clap::ValueEnum;
use serde::Deserialize;
use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, Targets},
    fmt as lines,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use super::{settings::Settings, traces::Traces};

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

/// Writes what happens to standard error, and traces it where that is wanted. Beyond what happens libraries say nothing:
/// they know too much.
pub(super) fn start(settings: &Settings, traces: &Traces) {
    let level = settings.log_level.value.filter();
    let wanted = Targets::new().with_default(level.min(LevelFilter::INFO)).with_target("countersign", level);
    let layer = lines::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let layer = match settings.log_format.value {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(wanted)).with(traces.layer()).init();
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
