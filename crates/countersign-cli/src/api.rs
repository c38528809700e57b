//! The commands that ask a server: what they share.

use std::{env, error::Error, fmt, io::Write as _, thread, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use reqwest::{
    Method, StatusCode,
    blocking::{Client, RequestBuilder, Response},
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect::Policy,
};
use serde::Serialize;
use serde_json::Value;
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::{output, tls};

pub(crate) mod delivery;
pub(crate) mod endpoint;
pub(crate) mod message;
pub(crate) mod replay;

/// Which server is asked, and how its answer is shown.
#[derive(Args)]
pub(crate) struct ServerArgs {
    /// The server's URL
    #[arg(long, value_name = "URL", env = "COUNTERSIGN_SERVER", default_value = "http://127.0.0.1:8080")]
    server: Url,
    /// Prints JSON, as the server answered it
    #[arg(long)]
    json: bool,
}

/// Which page of a list.
#[derive(Args)]
pub(crate) struct PageArgs {
    /// How many rows, 200 at most
    #[arg(long, value_name = "ROWS")]
    limit: Option<u32>,
    /// Where the page begins, as the page before it said
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

/// A server, and the key for it.
pub(crate) struct Api {
    client: Client,
    base: Url,
    key: Zeroizing<String>,
    json: bool,
}

/// What a server refused, or could not be asked.
#[derive(Debug)]
pub(crate) struct NotDone(String);

/// A query, of which what isn't given is left out.
type Query<'a> = &'a [(&'static str, Option<&'a str>)];

impl Api {
    /// # Errors
    /// A URL to which no key is sent, or no key.
    pub(crate) fn new(arguments: &ServerArgs) -> anyhow::Result<Self> {
        let base = arguments.server.clone();
        let here = is_loopback(&base);
        if base.scheme() != "https" && !(base.scheme() == "http" && here) {
            bail!(
                "everybody on the way could read the key: the server's URL must be https, or this machine's"
            );
        }
        let key = env::var(KEY).map(Zeroizing::new).ok().filter(|key| !key.is_empty());
        let key = key.with_context(|| format!("there is no API key: put it into {KEY}, and export it"))?;
        let builder = Client::builder().redirect(Policy::none()).timeout(PATIENCE);
        // What stays on this machine needs neither a proxy nor anybody who is trusted.
        let builder = if here { builder.no_proxy().tls_certs_only([]) } else { builder };
        tls::choose_provider();
        Ok(Api { client: builder.build()?, base, key, json: arguments.json })
    }

    pub(crate) fn get(&self, path: &[&str], query: Query<'_>) -> anyhow::Result<Value> {
        answer(self.request(Method::GET, path, query)?)
    }

    pub(crate) fn post(&self, path: &[&str]) -> anyhow::Result<Value> {
        answer(self.request(Method::POST, path, &[])?)
    }

    pub(crate) fn delete(&self, path: &[&str]) -> anyhow::Result<Value> {
        answer(self.request(Method::DELETE, path, &[])?)
    }

    /// Posts JSON. Where the server asks for patience, it is asked again when it said.
    pub(crate) fn post_json(&self, path: &[&str], body: &impl Serialize) -> anyhow::Result<Value> {
        self.post_json_once(path, body, None)
    }

    /// Posts JSON under an `Idempotency-Key`.
    pub(crate) fn post_json_once(
        &self,
        path: &[&str],
        body: &impl Serialize,
        key: Option<&str>,
    ) -> anyhow::Result<Value> {
        let request = self.request(Method::POST, path, &[])?.header(CONTENT_TYPE, "application/json");
        let request = request.body(serde_json::to_vec(body)?);
        answer(match key {
            Some(key) => request.header("idempotency-key", format!("\"{key}\"")),
            None => request,
        })
    }

    /// Prints what was answered: as JSON where it was asked for, else as `show` does.
    pub(crate) fn print(&self, answer: &Value, show: impl FnOnce(&Value) -> String) -> anyhow::Result<()> {
        if self.json {
            return output::json(answer);
        }
        Ok(write!(output::stdout(), "{}", show(answer))?)
    }

    /// Prints a page of a list, as columns of the fields with these names.
    pub(crate) fn print_page(&self, page: &Value, fields: &[&str]) -> anyhow::Result<()> {
        self.print(page, |page| rows(&page["items"], fields))?;
        let next = page["next"].as_str().filter(|_| !self.json);
        next.iter().for_each(|next| {
            output::note(format_args!("there are more: --cursor {}", output::printable(next)))
        });
        Ok(())
    }

    fn request(&self, method: Method, path: &[&str], query: Query<'_>) -> anyhow::Result<RequestBuilder> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| anyhow!("the server's URL can't be used: write one such as https://example.com"))?
            .pop_if_empty()
            .extend(["api", "v1"])
            .extend(path);
        for (name, value) in query {
            value.iter().for_each(|value| {
                url.query_pairs_mut().append_pair(name, value);
            });
        }
        Ok(self.client.request(method, url).bearer_auth(&*self.key))
    }
}

/// Sends a request; where the server asks for patience, again when it said.
fn answer(request: RequestBuilder) -> anyhow::Result<Value> {
    for _ in 0..TRIES {
        let again = request.try_clone().context("the request can't be repeated")?;
        let response = again.send().map_err(|error| NotDone(unreachable(&error)))?;
        match wait(&response) {
            Some(wait) => thread::sleep(wait),
            None => return read(response),
        }
    }
    read(request.send().map_err(|error| NotDone(unreachable(&error)))?)
}

/// How long the server asks to be left alone.
fn wait(response: &Response) -> Option<Duration> {
    let value =
        response.headers().get(RETRY_AFTER).filter(|_| response.status() == StatusCode::TOO_MANY_REQUESTS);
    let seconds = value?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds)).filter(|wait| *wait <= LONGEST_WAIT)
}

fn read(response: Response) -> anyhow::Result<Value> {
    let status = response.status();
    let body = response.bytes().map_err(|error| NotDone(unreachable(&error)))?;
    let json = serde_json::from_slice(&body);
    match (status.is_success(), json) {
        (true, Ok(json)) => Ok(json),
        (true, Err(_)) if body.is_empty() => Ok(Value::Null),
        (false, Ok(problem)) => Err(NotDone(explain(status, &problem)).into()),
        (_, Err(_)) => {
            Err(NotDone(format!("the server answered {status}, which is no answer of its API")).into())
        }
    }
}

/// What the server says is wrong, field by field.
fn explain(status: StatusCode, problem: &Value) -> String {
    let detail = problem["detail"].as_str().unwrap_or_else(|| status.canonical_reason().unwrap_or("refused"));
    let fields = problem["errors"].as_array().into_iter().flatten();
    let fields = fields.map(|error| format!("; {}: {}", text(&error["field"]), text(&error["message"])));
    output::printable(&format!("{detail}{} ({})", fields.collect::<String>(), status.as_u16()))
}

/// Why there was no answer, from the outermost cause inwards, without the URL.
fn unreachable(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    format!("the server can't be asked: {innermost}")
}

/// A table of a list's rows, with these fields as its columns.
pub(crate) fn rows(items: &Value, fields: &[&str]) -> String {
    let mut table = output::table();
    table.set_header(fields.iter().map(|field| field.to_uppercase().replace('_', " ")));
    for item in items.as_array().into_iter().flatten() {
        table.add_row(fields.iter().map(|field| text(&item[*field])));
    }
    output::lines(table)
}

/// A table of one thing, a field a line.
pub(crate) fn fields(thing: &Value) -> String {
    let mut table = output::table();
    for (name, value) in thing.as_object().into_iter().flatten() {
        match value.as_object().filter(|_| name != "payload") {
            Some(inner) => inner.iter().for_each(|(inner, value)| {
                table.add_row([format!("{name}: {inner}").replace('_', " "), text(value)]);
            }),
            None => {
                table.add_row([name.replace('_', " "), text(value)]);
            }
        }
    }
    output::lines(table)
}

/// A value as a cell of a table shows it.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => output::printable(text),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Array(values) if values.is_empty() => "-".to_owned(),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            values.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        other => output::printable(&other.to_string()),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Display for NotDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for NotDone {}

const KEY: &str = "COUNTERSIGN_API_KEY";
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a server that asks for patience is asked again.
const TRIES: usize = 10;
const LONGEST_WAIT: Duration = Duration::from_secs(60);
