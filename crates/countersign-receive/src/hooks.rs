//! What the application is asked: for the keys of a request, and to store a new secret.

use std::{error::Error as StdError, future::Future, pin::Pin, sync::Arc};

use countersign::{Error, ErrorKind, Keyring};
use http::request::Parts;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;
type Answer<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;
type FindKeys = dyn Fn(&Parts) -> Answer<Option<Arc<Keyring>>> + Send + Sync;
type StoreSecret = dyn Fn(&Parts, String) -> Answer<()> + Send + Sync;

/// Finds the keys of a request.
#[derive(Clone)]
pub(crate) struct ResolveKeys(Arc<FindKeys>);

impl ResolveKeys {
    pub(crate) fn new<F, Fut, E>(resolve: F) -> Self
    where
        F: Fn(&Parts) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<Arc<Keyring>>, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        ResolveKeys(Arc::new(move |parts| boxed(resolve(parts))))
    }

    pub(crate) async fn call(&self, parts: &Parts) -> Result<Arc<Keyring>, Error> {
        let answer = (self.0)(parts).await.map_err(|error| unavailable("the store of keys", &error))?;
        answer.ok_or_else(|| Error::new(ErrorKind::UnknownTenant))
    }
}

/// Stores the secret that a handshake handed over.
#[derive(Clone)]
pub(crate) struct Enrol(Arc<StoreSecret>);

impl Enrol {
    pub(crate) fn new<F, Fut, E>(store: F) -> Self
    where
        F: Fn(&Parts, String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Enrol(Arc::new(move |parts, secret| boxed(store(parts, secret))))
    }

    pub(crate) async fn call(&self, parts: &Parts, secret: String) -> Result<(), Error> {
        (self.0)(parts, secret).await.map_err(|error| unavailable("the store of secrets", &error))
    }
}

fn boxed<T, E: Into<BoxError>>(answer: impl Future<Output = Result<T, E>> + Send + 'static) -> Answer<T> {
    Box::pin(async move { answer.await.map_err(Into::into) })
}

fn unavailable(what: &'static str, error: &BoxError) -> Error {
    tracing::error!(target: "countersign", error = %error, "{what} failed");
    Error::new(ErrorKind::Unavailable).at(what)
}
