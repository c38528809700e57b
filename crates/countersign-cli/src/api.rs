//! The commands that ask a server, or its database: what they share.

use std::{
    env,
    error::Error,
    fmt,
    io::{IsTerminal as _, Write as _},
    thread,
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use clap::Args;
use http::{
    Method, Request, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use indicatif::ProgressBar;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use self::{
    connection::{Connection, KEY},
    table::{Cell, text},
};
use crate::{
    output,
    serve::{self, Database},
};

pub(crate) use self::table::{fields, rows};

pub(crate) mod cancel;
mod connection;
pub(crate) mod delivery;
pub(crate) mod endpoint;
pub(crate) mod key;
pub(crate) mod message;
mod moment;
pub(crate) mod overview;
pub(crate) mod replay;
mod status;
mod table;
pub(crate) mod tenant;
mod which;

/// Whom the command asks, and how the answer is shown.
#[derive(Args)]
pub(crate) struct ServerArgs {
    /// The server's URL [default: COUNTERSIGN_SERVER, else http://127.0.0.1:8080]
    #[arg(long, value_name = "URL", value_parser = web_url)]
    server: Option<Url>,
    /// The server's database in its place, which needs no key: a SQLite file, or the URL of PostgreSQL
    #[arg(long, value_name = "FILE|URL", conflicts_with = "server")]
    database: Option<Database>,
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
    /// Prints every row, as one JSON object a line
    #[arg(long, conflicts_with_all = ["limit", "cursor"])]
    all: bool,
}

/// Whom a list is asked of that has no filters, and which page.
#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    page: PageArgs,
}

/// The API of a server.
pub(crate) struct Api {
    connection: Connection,
    base: Url,
    json: bool,
}

/// What a server refused, or could not be asked.
#[derive(Debug)]
pub(crate) struct NotDone(String);

/// A query, of which what isn't given is left out.
type Query<'a> = &'a [(&'static str, Option<&'a str>)];

impl Api {
    /// # Errors
    /// A server or a database that can't be asked.
    pub(crate) fn new(arguments: &ServerArgs) -> anyhow::Result<Self> {
        let json = arguments.json;
        if let Some(database) = &arguments.database {
            let connection = Connection::database(database)?;
            return Ok(Api { connection, base: Url::parse("http://localhost")?, json });
        }
        let base = arguments.server.clone().map_or_else(server, Ok)?;
        Ok(Api { connection: Connection::server(&base)?, base, json })
    }

    /// Says that a secret which is to be stored is stored as it is, where this command does that itself.
    ///
    /// # Errors
    /// The database holds secrets that are sealed.
    pub(crate) fn note_secret(&self) -> anyhow::Result<()> {
        if self.connection.stores_in_clear()? {
            output::note(serve::UNSEALED);
        }
        Ok(())
    }

    pub(crate) fn get(&self, path: &[&str], query: Query<'_>) -> anyhow::Result<Value> {
        self.ask(Method::GET, path, query, Bytes::new())
    }

    pub(crate) fn post(&self, path: &[&str]) -> anyhow::Result<Value> {
        self.ask(Method::POST, path, &[], Bytes::new())
    }

    pub(crate) fn delete(&self, path: &[&str]) -> anyhow::Result<Value> {
        self.ask(Method::DELETE, path, &[], Bytes::new())
    }

    pub(crate) fn post_json(&self, path: &[&str], body: &impl Serialize) -> anyhow::Result<Value> {
        self.ask(Method::POST, path, &[], serde_json::to_vec(body)?.into())
    }

    pub(crate) fn patch_json(&self, path: &[&str], body: &impl Serialize) -> anyhow::Result<Value> {
        self.ask(Method::PATCH, path, &[], serde_json::to_vec(body)?.into())
    }

    /// Posts JSON under an `Idempotency-Key`.
    pub(crate) fn post_json_once(
        &self,
        path: &[&str],
        body: &impl Serialize,
        key: &str,
    ) -> anyhow::Result<Value> {
        let mut request = self.request(Method::POST, path, &[], serde_json::to_vec(body)?.into())?;
        let key = quoted(key).try_into().context("the idempotency key holds what no header can")?;
        request.headers_mut().insert("idempotency-key", key);
        self.answer(&request)
    }

    /// Prints what was answered: as JSON where it was asked for, else as `show` does.
    pub(crate) fn print(&self, answer: &Value, show: impl FnOnce(&Value) -> String) -> anyhow::Result<()> {
        if self.json {
            return output::json(answer);
        }
        Ok(write!(output::stdout(), "{}", show(answer))?)
    }

    /// Says what a person should know beside the answer. A program that reads JSON sees it there.
    pub(crate) fn note(&self, text: impl fmt::Display) {
        if !self.json {
            output::note(text);
        }
    }

    /// Prints a page of a list as columns of the fields with these names, or the whole list.
    pub(crate) fn print_list(
        &self,
        path: &str,
        query: Query<'_>,
        which: &PageArgs,
        fields: &[&str],
    ) -> anyhow::Result<()> {
        self.print_list_of(path, query, which, (fields, table::field))
    }

    /// Prints a page of a list as these columns, or the whole list.
    fn print_list_of(
        &self,
        path: &str,
        query: Query<'_>,
        which: &PageArgs,
        (columns, cell): (&[&str], Cell),
    ) -> anyhow::Result<()> {
        if which.all {
            return self.export(path, query);
        }
        let limit = which.limit.map(|limit| limit.to_string());
        let page = self.page(path, query, limit.as_deref(), which.cursor.as_deref())?;
        self.print(&page, |page| table::rows_of(&page["items"], columns, cell))?;
        let next = page["next"].as_str().filter(|_| !self.json);
        next.iter().for_each(|next| {
            output::note(format_args!("there are more: --cursor {}", output::printable(next)))
        });
        Ok(())
    }

    /// Prints all rows of a list, each as a line of JSON.
    fn export(&self, path: &str, query: Query<'_>) -> anyhow::Result<()> {
        self.each_row(path, query, output::json)
    }

    /// Gives all rows of a list, and counts them where nobody sees what is made of them.
    fn each_row(
        &self,
        path: &str,
        query: Query<'_>,
        mut take: impl FnMut(&Value) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let seen = std::io::stdout().is_terminal();
        let count = if seen { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        let mut cursor: Option<String> = None;
        loop {
            let page = self.page(path, query, Some(LONGEST_PAGE), cursor.as_deref())?;
            let rows = page["items"].as_array().into_iter().flatten();
            rows.inspect(|_| count.inc(1)).try_for_each(&mut take)?;
            count.set_message(format!("{} rows", count.position()));
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                count.finish_and_clear();
                return Ok(());
            }
        }
    }

    fn page(
        &self,
        path: &str,
        query: Query<'_>,
        limit: Option<&str>,
        cursor: Option<&str>,
    ) -> anyhow::Result<Value> {
        self.get(&[path], &[query, &[("limit", limit), ("cursor", cursor)]].concat())
    }

    fn ask(&self, method: Method, path: &[&str], query: Query<'_>, body: Bytes) -> anyhow::Result<Value> {
        self.answer(&self.request(method, path, query, body)?)
    }

    fn request(
        &self,
        method: Method,
        path: &[&str],
        query: Query<'_>,
        body: Bytes,
    ) -> anyhow::Result<Request<Bytes>> {
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
        let request = Request::builder().method(method).uri(url.as_str());
        let has_json = !body.is_empty();
        let request = if has_json { request.header(CONTENT_TYPE, "application/json") } else { request };
        Ok(request.body(body)?)
    }

    /// Sends a request; where the server asks for patience, again when it said.
    fn answer(&self, request: &Request<Bytes>) -> anyhow::Result<Value> {
        for _ in 0..TRIES {
            let response = self.connection.send(request.clone())?;
            match wait(&response) {
                Some(wait) => thread::sleep(wait),
                None => return read(&response),
            }
        }
        read(&self.connection.send(request.clone())?)
    }
}

/// The server that the environment names, or one on this machine.
fn server() -> anyhow::Result<Url> {
    let named = env::var(SERVER).ok().filter(|text| !text.is_empty());
    let url = named.as_deref().unwrap_or("http://127.0.0.1:8080");
    web_url(url).map_err(|why| anyhow!("{SERVER} can't be used: {why}"))
}

/// Reads a URL of the web. A host and its port alone can look like one, of a scheme that nobody has meant.
fn web_url(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) => Ok(url),
        Err(error) if text.contains("://") => Err(error.to_string()),
        _ => Err("write http://… or https://…".to_owned()),
    }
}

/// A text as a string of structured fields (RFC 9651 §4.1.6).
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', r#"\""#))
}

/// How long the server asks to be left alone.
fn wait(response: &Response<Bytes>) -> Option<Duration> {
    let value =
        response.headers().get(RETRY_AFTER).filter(|_| response.status() == StatusCode::TOO_MANY_REQUESTS);
    let seconds = value?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds)).filter(|wait| *wait <= LONGEST_WAIT)
}

fn read(response: &Response<Bytes>) -> anyhow::Result<Value> {
    let (status, body) = (response.status(), response.body());
    match (status.is_success(), serde_json::from_slice(body)) {
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
    if status == StatusCode::UNAUTHORIZED {
        return format!("the key in {KEY} is none of this server's, or no longer ({})", status.as_u16());
    }
    let detail = problem["detail"].as_str().unwrap_or_else(|| status.canonical_reason().unwrap_or("refused"));
    let fields = problem["errors"].as_array().into_iter().flatten();
    let fields = fields.map(|error| format!("; {}: {}", argument(error), text(&error["message"])));
    output::printable(&format!("{detail}{} ({})", fields.collect::<String>(), status.as_u16()))
}

/// The field that is wrong, as the command calls it where it does so by another name.
fn argument(error: &Value) -> String {
    match error["field"].as_str() {
        Some("keep_secrets") => "--keep-secrets".to_owned(),
        _ => text(&error["field"]),
    }
}

impl NotDone {
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        NotDone(reason.into())
    }
}

impl fmt::Display for NotDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for NotDone {}

const SERVER: &str = "COUNTERSIGN_SERVER";
/// The most rows that a server gives at once.
const LONGEST_PAGE: &str = "200";
/// How often a server that asks for patience is asked again.
const TRIES: usize = 10;
const LONGEST_WAIT: Duration = Duration::from_secs(60);
