//! What the server does until it is stopped.

use std::time::Duration;

use anyhow::Context as _;
use axum::{
    Router,
    extract::Request,
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::get,
};
use countersign_dispatch::{Dispatcher, Outbox, mail::Postbox};
use countersign_server::{Access, Server};
use countersign_store::{api_keys::ApiKeyStore, outbox::OutboxStore};
use countersign_transport::Transport;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::{net::TcpListener, time::sleep};

use super::{dashboard::Opened, settings::Settings};
use crate::{connections::Connections, stop::Stop};

/// What a process of the server does: it answers, and delivers where the role says so.
pub(super) struct Work<S> {
    router: Router,
    connections: Connections,
    dashboard: Option<Opened>,
    dispatcher: Option<Dispatcher<S>>,
    postbox: Option<Postbox>,
    metrics: PrometheusHandle,
}

impl<S: OutboxStore + ApiKeyStore> Work<S> {
    /// # Errors
    /// Settings that contradict each other.
    pub(super) fn new(outbox: Outbox<S>, settings: &Settings) -> anyhow::Result<Self> {
        let metrics = PrometheusBuilder::new().set_buckets(&SECONDS)?.install_recorder();
        let metrics = metrics.context("metrics can't be kept")?;
        let delivers = settings.role.value.delivers();
        let dashboard = Opened::new(settings);
        let router = router(outbox.clone(), settings, dashboard.as_ref())?;
        let mailer = if delivers { settings.delivering.mailer()? } else { None };
        let postbox = mailer.map(|mailer| mailer.start(outbox.clone()));
        Ok(Work {
            router: router.merge(metrics_router(metrics.clone())),
            connections: Connections::new(settings.max_connections.value.0),
            dashboard,
            dispatcher: delivers.then(|| dispatcher(outbox, settings, postbox.as_ref())).transpose()?,
            postbox,
            metrics,
        })
    }

    /// Changes how it delivers, where it does.
    pub(super) fn dispatching(self, change: impl FnOnce(Dispatcher<S>) -> Dispatcher<S>) -> Self {
        Work { dispatcher: self.dispatcher.map(change), ..self }
    }

    /// How people get into the dashboard, where this process has one.
    pub(super) fn invitation(&self, origin: &str) -> anyhow::Result<String> {
        let invitation = self.dashboard.as_ref().map(|dashboard| dashboard.invitation(origin));
        Ok(invitation.transpose()?.unwrap_or_default())
    }

    /// Works until it is told to stop, and what is under way has ended.
    pub(super) async fn run(self, listener: TcpListener, stop: Stop) -> anyhow::Result<()> {
        tokio::spawn(tidy(self.metrics));
        self.dashboard.map(|dashboard| tokio::spawn(dashboard.end_with(stop.clone())));
        let delivering = self.dispatcher.map(|dispatcher| tokio::spawn(deliver(dispatcher, stop.clone())));
        self.connections.answer(listener, self.router, stop.clone()).await;
        stop.tell();
        if let Some(delivering) = delivering {
            delivering.await.context("the dispatcher broke down")?;
        }
        if let Some(postbox) = self.postbox {
            postbox.stop().await;
        }
        Ok(())
    }
}

/// Delivers until told to stop. Where the dispatcher ends by itself, everything ends.
async fn deliver(dispatcher: Dispatcher<impl OutboxStore>, stop: Stop) {
    let _end = TellOnDrop(stop.clone());
    dispatcher.run(stop.told()).await;
}

fn dispatcher<S: OutboxStore>(
    outbox: Outbox<S>,
    settings: &Settings,
    postbox: Option<&Postbox>,
) -> anyhow::Result<Dispatcher<S>> {
    let transport = Transport::builder().policy(settings.policy()).build()?;
    let mut dispatcher = settings.delivering.apply(Dispatcher::new(outbox, transport));
    if let Some(postbox) = postbox {
        dispatcher = dispatcher.on_event(postbox.handler());
    }
    Ok(match &settings.sealer {
        Some(sealer) => dispatcher.sealer(sealer.clone()),
        None => dispatcher,
    })
}

/// The whole API and the dashboard, or of a process that only delivers what tells how it is.
fn router(
    outbox: Outbox<impl OutboxStore + ApiKeyStore>,
    settings: &Settings,
    dashboard: Option<&Opened>,
) -> anyhow::Result<Router> {
    let Some(dashboard) = dashboard else {
        let whole = Server::new(outbox, Access::new()).router();
        return Ok(whole.layer(middleware::from_fn(probes_alone)));
    };
    Ok(dashboard.on(api(outbox, settings)?))
}

/// The whole API.
pub(super) fn api(
    outbox: Outbox<impl OutboxStore + ApiKeyStore>,
    settings: &Settings,
) -> anyhow::Result<Router> {
    let delivering = &settings.delivering;
    let server = Server::new(outbox, settings.keys.access()?)
        .stored_keys()
        .event_types(settings.event_types()?)
        .policy(settings.policy())
        .billrun(settings.billrun.value)
        .failure_clock(delivering.warn_after.value.0, delivering.disable_after.value.0);
    Ok(match &settings.sealer {
        Some(sealer) => server.sealer(sealer.clone()).router(),
        None => server.router(),
    })
}

async fn probes_alone(request: Request, next: Next) -> Response {
    match request.uri().path() {
        "/health" | "/ready" => next.run(request).await,
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn metrics_router(metrics: PrometheusHandle) -> Router {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Router::new().route("/metrics", get(move || async move { (kind, metrics.render()) }))
}

/// Puts what was measured in order, which would otherwise pile up until somebody asks for it.
async fn tidy(metrics: PrometheusHandle) {
    loop {
        sleep(TIDY).await;
        metrics.run_upkeep();
    }
}

/// Tells everybody to stop when it is dropped, by a panic too.
struct TellOnDrop(Stop);

impl Drop for TellOnDrop {
    fn drop(&mut self) {
        self.0.tell();
    }
}

/// The buckets of attempts' times.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const TIDY: Duration = Duration::from_secs(5);
