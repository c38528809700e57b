//! `countersign listen` and `countersign replay-local`: what a provider sends, on the developer's machine.

use std::{
    io::Write as _,
    net::Ipv4Addr,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex},
};

use anyhow::{Context as _, bail};
use axum::Router;
use clap::{Args, value_parser};
use countersign::Verifier;
use serde::Serialize;
use tokio::{net::TcpListener, runtime::Runtime};
use url::Url;

use self::{forward::Forward, kept::Kept, received::Listener};
use crate::{
    cli::{self, NOT_DONE},
    connections::{self, Connections},
    output,
    request::Request,
    schemes::SchemeArgs,
    secrets::SecretArgs,
    stop,
    verify::explain_config,
};

mod forward;
mod kept;
mod received;
mod row;

#[derive(Args)]
pub(crate) struct ListenArgs {
    /// The port; 0 for one that is free
    #[arg(long, default_value_t = 9797)]
    port: u16,
    #[command(flatten)]
    scheme: SchemeArgs,
    #[command(flatten)]
    secrets: SecretArgs,
    /// The endpoint's URL as it is registered with the provider, for schemes that sign it
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// A value that the handshake is compared with, such as verify_token (repeatable)
    #[arg(long = "setting", value_name = "NAME=VALUE", value_parser = cli::setting)]
    settings: Vec<(String, String)>,
    /// The application's URL, to which requests are forwarded and whose answers the sender is given
    #[arg(long, value_name = "URL")]
    forward: Option<Url>,
    #[command(flatten)]
    kept: KeptArgs,
    /// How many requests are kept, of all that are in the folder
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = value_parser!(u32).range(1..=100_000))]
    keep: u32,
    /// Prints one JSON object a request
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct ReplayLocalArgs {
    /// The request's number, as `listen` shows it
    number: u64,
    /// The application's URL
    #[arg(long, value_name = "URL")]
    forward: Url,
    #[command(flatten)]
    kept: KeptArgs,
}

/// Where requests are kept.
#[derive(Args)]
struct KeptArgs {
    /// The folder in which requests are kept
    #[arg(long, value_name = "FOLDER", default_value = ".countersign")]
    folder: PathBuf,
}

pub(crate) fn run(arguments: &ListenArgs) -> anyhow::Result<ExitCode> {
    let listener = Listener {
        verifier: verifier(arguments)?,
        forward: arguments.forward.clone().map(Forward::new).transpose()?,
        kept: Mutex::new(Kept::open(&arguments.kept.folder, arguments.keep as usize)?),
        json: arguments.json,
    };
    Runtime::new()?.block_on(listen(arguments, listener))?;
    Ok(ExitCode::SUCCESS)
}

/// Sends a kept request again.
pub(crate) fn replay(arguments: &ReplayLocalArgs) -> anyhow::Result<ExitCode> {
    let request = Request::read(&kept::path(&arguments.kept.folder, arguments.number))?;
    let forward = Forward::new(arguments.forward.clone())?;
    let forwarded = Runtime::new()?.block_on(forward.send(&request));
    let mut out = output::stdout();
    match forwarded {
        Ok(answer) if answer.status.is_success() => {
            writeln!(out, "{}{}{:#}", output::GOOD, answer.status, output::GOOD)?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(answer) => {
            writeln!(out, "{}{}{:#}", output::BAD, answer.status, output::BAD)?;
            Ok(ExitCode::from(NOT_DONE))
        }
        Err(why) => {
            writeln!(out, "{}no answer{:#}: {why}", output::BAD, output::BAD)?;
            Ok(ExitCode::from(NOT_DONE))
        }
    }
}

/// The first line with `--json`.
#[derive(Serialize)]
struct Listening<'a> {
    listening: &'a str,
}

async fn listen(arguments: &ListenArgs, listener: Listener) -> anyhow::Result<()> {
    let stop = stop::signals()?;
    let address = (Ipv4Addr::LOCALHOST, arguments.port);
    let socket = TcpListener::bind(address).await;
    let socket = socket.with_context(|| format!("can't listen at port {}", arguments.port))?;
    let url = format!("http://{}", socket.local_addr()?);
    match arguments.json {
        true => output::json(&Listening { listening: &url })?,
        false => writeln!(output::stdout(), "listening at {url}\n{}", row::HEADINGS)?,
    }
    let router = Router::new().fallback(received::receive).with_state(Arc::new(listener));
    Connections::new(connections::MOST).answer(socket, router, stop).await;
    Ok(())
}

/// The verifier, where a scheme was given.
fn verifier(arguments: &ListenArgs) -> anyhow::Result<Option<Verifier>> {
    match (arguments.scheme.is_given(), arguments.secrets.is_empty(), arguments.settings.is_empty()) {
        (true, _, _) => {}
        (false, true, true) => return Ok(None),
        (false, false, _) => bail!("a secret verifies nothing without a scheme: give --scheme NAME"),
        (false, true, false) => {
            bail!("a setting is compared with nothing without a scheme: give --scheme NAME")
        }
    }
    let scheme = arguments.scheme.load()?;
    let keys = arguments.secrets.keyring(&scheme)?;
    let builder = Verifier::builder(scheme).keys(keys);
    let builder = arguments.url.iter().fold(builder, |builder, url| builder.public_url(url));
    let builder =
        arguments.settings.iter().fold(builder, |builder, (name, value)| builder.setting(name, value));
    builder.build().map(Some).map_err(explain_config)
}
