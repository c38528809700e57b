//! The receiver of the sample, which verifies as a user's application would.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use axum::{
    Router,
    extract::{self, State},
    http::StatusCode,
    routing::post,
};
use countersign::{Keyring, Scheme, Verifier};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep},
};

use super::endpoints::{ENDPOINTS, Manner, Sample};
use crate::{incoming, input};

/// Receives on a free port of this machine, until the process ends.
pub(super) async fn start() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("there is no free port")?;
    let (address, app) = (listener.local_addr()?, router()?);
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(address)
}

/// A route for each endpoint, which verifies by its scheme.
fn router() -> anyhow::Result<Router> {
    let begun = Instant::now();
    ENDPOINTS.iter().try_fold(Router::new(), |router, sample| {
        let receiver = Arc::new(Receiver { verifier: verifier(sample)?, manner: sample.manner, begun });
        Ok(router.route(&format!("/{}", sample.path), post(receive).with_state(receiver)))
    })
}

/// What receives at one endpoint.
struct Receiver {
    verifier: Verifier,
    manner: Manner,
    begun: Instant,
}

async fn receive(
    State(receiver): State<Arc<Receiver>>,
    request: extract::Request,
) -> (StatusCode, &'static str) {
    let Some(request) = incoming::read(request).await else { return (StatusCode::PAYLOAD_TOO_LARGE, "") };
    match receiver.verifier.verify(&request.view(), &request.body, input::clock()) {
        Ok(_) => receiver.manner.answer(receiver.begun).await,
        Err(error) => (incoming::refusal(&error), ""),
    }
}

fn verifier(sample: &Sample) -> anyhow::Result<Verifier> {
    let scheme = sample.system.scheme();
    let keys = keys(&scheme, sample.manner)?;
    Ok(Verifier::builder(scheme).keys(keys).build()?)
}

fn keys(scheme: &Scheme, manner: Manner) -> anyhow::Result<Keyring> {
    Ok(match manner {
        _ if scheme.is_unsigned() => Keyring::accept_unsigned(scheme)?,
        Manner::OtherSecret => Keyring::new(scheme, ["an older secret of the sample"])?,
        _ => Keyring::new(scheme, [SECRET])?,
    })
}

impl Manner {
    /// What is answered to a request that was verified.
    async fn answer(self, begun: Instant) -> (StatusCode, &'static str) {
        match self {
            Manner::Recovers(after) if begun.elapsed() < after => {
                (StatusCode::INTERNAL_SERVER_ERROR, "the database is locked")
            }
            Manner::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "down for maintenance"),
            Manner::Gone => (StatusCode::GONE, "this shop has closed"),
            Manner::Slow => {
                sleep(SLOW).await;
                TAKEN
            }
            Manner::Well | Manner::Recovers(_) | Manner::OtherSecret => TAKEN,
        }
    }
}

/// What the sender signs with. It protects nothing.
pub(super) const SECRET: &str = "a secret of the sample";
const TAKEN: (StatusCode, &str) = (StatusCode::OK, "taken");
const SLOW: Duration = Duration::from_millis(1_500);
