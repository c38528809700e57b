//! Traces of what the server does, sent to a collector by OTLP: the spans of messages and attempts, which hold ids
//! and outcomes, and no body, secret or signature.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::Context as _;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    resource::EnvResourceDetector,
    trace::{SdkTracerProvider, SpanData},
};
use tracing::Subscriber;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    registry::LookupSpan,
};

use super::{
    layers::{self, Setting},
    otlp::Otlp,
};
use crate::tls;

/// What sends traces, where they are wanted.
pub(super) struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// # Errors
    /// Where the exporter can't be made. Whether there is a collector is seen later, and never fails.
    pub(super) fn start(otlp: &Setting<Otlp>) -> anyhow::Result<Self> {
        let Some(url) = otlp.value.traces() else { return Ok(Traces(None)) };
        tls::choose_provider();
        let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
        let exporter = exporter.with_endpoint(url).with_timeout(PATIENCE).build();
        let exporter =
            Telling { exporter: exporter.context("traces can't be sent")?, fails: AtomicBool::new(false) };
        let provider = SdkTracerProvider::builder().with_resource(resource()?).with_batch_exporter(exporter);
        Ok(Traces(Some(provider.build())))
    }

    /// What takes the spans of this project, and no others.
    pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        self.0.as_ref().map(|provider| {
            let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer(NAME));
            let ours = Targets::new().with_target(NAME, LevelFilter::INFO);
            layer.with_location(false).with_threads(false).with_tracked_inactivity(false).with_filter(ours)
        })
    }

    /// Sends what is left, for a few seconds at most.
    pub(super) fn finish(self) {
        if let Some(Err(error)) = self.0.map(|provider| provider.shutdown_with_timeout(PATIENCE)) {
            tracing::warn!(target: NAME, %error, "the last traces were not sent");
        }
    }
}

/// An exporter that says when it begins to fail, and when it is well again.
#[derive(Debug)]
struct Telling {
    exporter: SpanExporter,
    fails: AtomicBool,
}

impl opentelemetry_sdk::trace::SpanExporter for Telling {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exported = self.exporter.export(batch).await;
        let failed_before = self.fails.swap(exported.is_err(), Ordering::Relaxed);
        match (failed_before, &exported) {
            (false, Err(error)) => {
                tracing::warn!(target: NAME, %error, "traces can't be sent to the collector, and are lost until they can");
            }
            (true, Ok(())) => tracing::info!(target: NAME, "traces are sent to the collector again"),
            _ => {}
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// What the traces are of, as far as the environment doesn't say otherwise.
fn resource() -> anyhow::Result<Resource> {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let ours = Resource::builder_empty().with_service_name(NAME).with_attribute(version);
    let theirs = ours.with_detector(Box::new(EnvResourceDetector::new()));
    Ok(match layers::text("OTEL_SERVICE_NAME")? {
        Some(name) => theirs.with_service_name(name.to_string()).build(),
        None => theirs.build(),
    })
}

const NAME: &str = "countersign";
/// How long a collector is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
