//! In builds without feature `otlp` no trace leaves the process.

use anyhow::bail;
use tracing::Subscriber;
use tracing_subscriber::{Layer, layer::Identity};

use super::{layers::Setting, otlp::Otlp};

/// Nothing.
pub(super) struct Traces;

impl Traces {
    /// # Errors
    /// Where traces are wanted.
    pub(super) fn start(otlp: &Setting<Otlp>) -> anyhow::Result<Self> {
        match otlp.value.traces() {
            None => Ok(Traces),
            Some(_) => bail!(
                "{} asks for traces by OTLP, which this build can't send: install one that can by `cargo install \
                 countersign-cli --features otlp`, or set COUNTERSIGN_OTLP_ENDPOINT=off",
                otlp.from
            ),
        }
    }

    pub(super) fn layer<S: Subscriber>(&self) -> impl Layer<S> + use<S> {
        Identity::new()
    }

    pub(super) fn finish(self) {}
}
