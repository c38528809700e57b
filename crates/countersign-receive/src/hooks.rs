//! What the application is asked: for the keys of a request, and to store a new secret.

use std::{error::Error as StdError, fmt, future::Future, pin::Pin, sync::Arc};

use countersign::{Error, ErrorKind, Keyring};

type BoxError = Box<dyn StdError + Send + Sync>;
type Answer<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;
type FindKeys<P> = dyn Fn(&P) -> Answer<Option<Arc<Keyring>>> + Send + Sync;
type StoreSecret<P> = dyn Fn(&P, String) -> Answer<()> + Send + Sync;

/// Finds the keys of a request.
pub(crate) struct ResolveKeys<P>(Arc<FindKeys<P>>);

impl<P> ResolveKeys<P> {
    pub(crate) fn new<F, Fut, E>(resolve: F) -> Self
    where
        F: Fn(&P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<Arc<Keyring>>, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        ResolveKeys(Arc::new(move |parts| boxed(resolve(parts))))
    }

    pub(crate) async fn call(&self, parts: &P) -> Result<Arc<Keyring>, Error> {
        let answer = (self.0)(parts).await.map_err(|error| unavailable("the store of keys", &error))?;
        answer.ok_or_else(|| Error::new(ErrorKind::UnknownTenant))
    }
}

impl<P> Clone for ResolveKeys<P> {
    fn clone(&self) -> Self {
        ResolveKeys(self.0.clone())
    }
}

/// Stores the secret that a handshake handed over.
pub(crate) struct Enrol<P>(Arc<StoreSecret<P>>);

impl<P> Enrol<P> {
    pub(crate) fn new<F, Fut, E>(store: F) -> Self
    where
        F: Fn(&P, String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Enrol(Arc::new(move |parts, secret| boxed(store(parts, secret))))
    }

    pub(crate) async fn call(&self, parts: &P, secret: String) -> Result<(), Error> {
        (self.0)(parts, secret).await.map_err(|error| unavailable("the store of secrets", &error))
    }
}

impl<P> Clone for Enrol<P> {
    fn clone(&self) -> Self {
        Enrol(self.0.clone())
    }
}

fn boxed<T, E: Into<BoxError>>(answer: impl Future<Output = Result<T, E>> + Send + 'static) -> Answer<T> {
    Box::pin(async move { answer.await.map_err(Into::into) })
}

/// Logs why `what` could not be asked.
pub(crate) fn unavailable(what: &'static str, error: &(dyn fmt::Display + '_)) -> Error {
    tracing::error!(target: "countersign", error = %error, "{what} failed");
    Error::new(ErrorKind::Unavailable).at(what)
}
