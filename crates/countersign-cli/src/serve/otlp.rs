//! Where traces are sent.

use std::{fmt, str::FromStr};

use serde::Deserialize;
use url::Url;

/// The collector to which traces are sent by OTLP over HTTP, if there is one.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Otlp(Option<Url>);

impl Otlp {
    pub(super) const OFF: Otlp = Otlp(None);

    /// The URL that takes traces, below the collector's.
    pub(super) fn traces(&self) -> Option<String> {
        self.0.as_ref().map(|url| format!("{}/v1/traces", url.as_str().trim_end_matches('/')))
    }
}

impl FromStr for Otlp {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == OFF {
            return Ok(Otlp::OFF);
        }
        let url = Url::parse(text).map_err(|_| NO_URL)?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
            return Err(NO_URL);
        }
        match url.username().is_empty() && url.password().is_none() {
            true => Ok(Otlp(Some(url))),
            false => Err("a URL is shown: put what lets you in into OTEL_EXPORTER_OTLP_HEADERS"),
        }
    }
}

impl TryFrom<String> for Otlp {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref().map_or(OFF, Url::as_str))
    }
}

const OFF: &str = "off";
const NO_URL: &str = "this is no collector: write http://host:4318, or off";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_have_a_path_of_their_own_below_the_collectors() {
        let traces = |text: &str| text.parse::<Otlp>().ok().and_then(|otlp| otlp.traces());
        assert_eq!(traces("http://otel:4318").as_deref(), Some("http://otel:4318/v1/traces"));
        assert_eq!(traces("https://otel.example/in/").as_deref(), Some("https://otel.example/in/v1/traces"));
        assert_eq!(traces("off"), None);
    }

    #[test]
    fn what_is_no_collector_or_holds_a_password_is_refused() {
        for text in ["otel:4318", "grpc://otel:4317", "http://otel/?key=1", "http://app:hunter2@otel", ""] {
            let why = text.parse::<Otlp>().err().unwrap_or_else(|| panic!("{text} is taken"));
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
