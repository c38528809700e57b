//! Whether the key is here by which secrets in a database were sealed.

use anyhow::{Context as _, anyhow};
use countersign_dispatch::{SealError, Sealer, any_sealed, check_sealed};
use countersign_store::{
    StoreError,
    outbox::{OutboxStore, Page, TenantFilter},
};

use super::{database::Store, log::Log, settings::Settings};

/// Checks that the secrets in the database can be opened: what delivers could deliver nothing, and everything look well;
/// and what seals new ones would seal them by a key that perhaps nobody else has.
pub(super) async fn check(store: &impl OutboxStore, settings: &Settings, log: Log) -> anyhow::Result<()> {
    match without_key(store, settings.sealer.as_ref()).await {
        Ok(None) => Ok(()),
        Ok(Some((endpoint, error))) => {
            Err(anyhow!("the secrets of the endpoint {endpoint} can't be opened: {error}. {REMEDY}"))
        }
        Err(error) => {
            log.warning(format_args!("whether secrets can be opened is not known: {error}"));
            Ok(())
        }
    }
}

/// Checks that no secret in the database is sealed, for a command that would store one as it is.
pub(super) async fn check_none(store: &Store) -> anyhow::Result<()> {
    let sealed = match store {
        Store::Sqlite(store) => any_sealed(store).await,
        Store::Postgres(store) => any_sealed(store).await,
    };
    match sealed.context("whether secrets are sealed is not known")? {
        true => Err(anyhow!(
            "the secrets in this database are sealed, and a new one would be stored as it is. {REMEDY}"
        )),
        false => Ok(()),
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

const REMEDY: &str = "Set COUNTERSIGN_SEAL_KEY to the keys by which the secrets of this database were sealed, with commas \
                      between them";
