//! What is shown of a request.

use std::io::Write as _;

use serde::Serialize;

use crate::{input, output, report::Report, request::Request};

/// What is shown of a request; with `--json` as an object, else as a line of a table.
#[derive(Serialize)]
pub(super) struct Row {
    /// Its number among those that are kept.
    number: Option<u64>,
    /// When it came, in Unix seconds.
    time: i64,
    method: String,
    target: String,
    bytes: usize,
    /// What the verifier made of it: `null` where there is none.
    verified: Option<Verdict>,
    /// What the sender was answered.
    pub(super) status: u16,
    pub(super) milliseconds: u128,
    /// Why the application didn't answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

#[derive(Serialize)]
struct Verdict {
    valid: bool,
    kind: &'static str,
    event_id: Option<String>,
    event_type: Option<String>,
}

impl Row {
    pub(super) fn new(number: Option<u64>, request: &Request, report: Option<&Report>) -> Self {
        Row {
            number,
            time: input::clock(),
            method: request.method.clone(),
            target: request.target.clone(),
            bytes: request.body.len(),
            verified: report.map(Verdict::of),
            status: 0,
            milliseconds: 0,
            error: None,
        }
    }

    /// Prints it. Where nobody reads any more, requests are answered all the same.
    pub(super) fn print(&self, json: bool) {
        let _ = match json {
            true => output::json(self),
            false => writeln!(output::stdout(), "{}", self.line()).map_err(Into::into),
        };
    }

    fn line(&self) -> String {
        let number = self.number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let time = self.time.rem_euclid(86_400);
        let clock = format!("{:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60);
        // What stands in a query is often a credential.
        let path = output::printable(self.target.split('?').next().unwrap_or_default());
        let verdict = self.verified.as_ref();
        let kind = verdict.and_then(|verdict| verdict.event_type.as_deref()).unwrap_or("-");
        let (style, said) = match verdict {
            None => (output::CAREFUL, "not verified"),
            Some(verdict) if verdict.valid => (output::GOOD, "valid"),
            Some(verdict) => (output::BAD, verdict.kind),
        };
        let why = self.error.as_deref().map(|why| format!("  {}", output::printable(why)));
        format!(
            "{number:>6}  {clock}  {:<7}  {path:<24}  {:>8}  {:<24}  {style}{said:<21}{style:#}  {:>6}  {:>5}{}",
            self.method,
            self.bytes,
            output::printable(kind),
            self.status,
            self.milliseconds,
            why.unwrap_or_default(),
        )
    }
}

impl Verdict {
    fn of(report: &Report) -> Self {
        Verdict {
            valid: report.valid,
            kind: report.kind,
            event_id: report.event_id.clone(),
            event_type: report.event_type.clone(),
        }
    }
}

pub(super) const HEADINGS: &str = "\
NUMBER  UTC       METHOD   PATH                         BYTES  TYPE                      VERDICT                STATUS     MS";
