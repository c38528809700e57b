//! Whether the key is here by which secrets in a database were sealed.

use anyhow::{Context as _, anyhow};
use countersign_dispatch::{SealError, Sealer, check_sealed};
use countersign_store::{
    StoreError,
    outbox::{OutboxStore, Page, TenantFilter},
};

use super::{database::Store, log::Log, settings::Settings};

/// Checks that the secrets in the database can be opened, where this process delivers: without their key nothing would
/// be delivered, and everything look well. Where it does not, that it seals secrets if others are sealed.
pub(super) async fn check(store: &impl OutboxStore, settings: &Settings, log: Log) -> anyhow::Result<()> {
    let (sealer, delivers) = (settings.sealer.as_ref(), settings.role.value.delivers());
    if !delivers && sealer.is_some() {
        return Ok(());
    }
    match without_key(store, sealer).await {
        Ok(None) => Ok(()),
        Ok(Some((endpoint, error))) if delivers => {
            Err(anyhow!("the endpoint {endpoint} can't be delivered to: {error}. {REMEDY}"))
        }
        Ok(Some((endpoint, _))) => Err(in_clear(&endpoint)),
        Err(error) => {
            log.note(format_args!("whether secrets can be opened is not known: {error}"));
            Ok(())
        }
    }
}

/// Checks that no secret in the database is sealed, for a command that would store one as it is.
pub(super) async fn check_none(store: &Store) -> anyhow::Result<()> {
    let found = match store {
        Store::Sqlite(store) => without_key(store, None).await,
        Store::Postgres(store) => without_key(store, None).await,
    };
    match found.context("whether secrets are sealed is not known")? {
        Some((endpoint, _)) => Err(in_clear(&endpoint)),
        None => Ok(()),
    }
}

/// The first endpoint with a secret whose key isn't here, and why.
async fn without_key(
    store: &impl OutboxStore,
    sealer: Option<&Sealer>,
) -> Result<Option<(String, SealError)>, StoreError> {
    let mut page = Page { limit: Page::MAX, ..Page::default() };
    loop {
        let endpoints = store.endpoints(&TenantFilter::Any, &page).await?;
        for endpoint in &endpoints {
            if let Err(error @ (SealError::NoSealer | SealError::UnknownKey)) = check_sealed(endpoint, sealer)
            {
                return Ok(Some((endpoint.id.clone(), error)));
            }
        }
        let Some(last) = endpoints.last() else { return Ok(None) };
        page.after = Some(last.id.clone());
    }
}

fn in_clear(endpoint: &str) -> anyhow::Error {
    anyhow!(
        "the secrets of the endpoint {endpoint} are sealed, and a new one would be stored as it is. {REMEDY}"
    )
}

const REMEDY: &str = "Set COUNTERSIGN_SEAL_KEY to the keys by which the secrets of this database were sealed, with commas \
                      between them";
