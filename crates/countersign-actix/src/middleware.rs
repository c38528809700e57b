//! The middleware: refuses, answers, or calls the handler.

use std::{
    error::Error as StdError,
    future::{Future, Ready, ready},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{Extensions, Payload, Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};
use countersign::{Keyring, RequestView, Verifier};
use countersign_receive::{
    Decision, Handling, HasClaim, Idempotency, InboxSettings, Incoming, Next, Receiver, SettingsError,
    Verified,
};

use crate::{
    body::{Headers, Pieces},
    reply,
};

/// Middleware that lets verified webhooks through to the handler, and nothing else.
///
/// See the [crate's page](crate) for what it does, in which order, and where to place it.
#[derive(Clone, Debug)]
pub struct Webhooks {
    receiver: Arc<Receiver<HttpRequest>>,
}

impl Webhooks {
    /// A middleware that accepts what `verifier` does.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Receiver::new(verifier).into()
    }

    /// The most bytes of a body, 1 MiB by default; a larger one is answered 413. GitHub sends up to
    /// 25 MB.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        self.with(|receiver| receiver.body_limit(bytes))
    }

    /// The time in which a whole body must arrive, 10 seconds by default; a slower one is answered 408.
    #[must_use]
    pub fn body_timeout(self, total: Duration) -> Self {
        self.with(|receiver| receiver.body_timeout(total))
    }

    /// The longest time between two pieces of a body, 5 seconds by default; a longer silence is answered
    /// 408.
    #[must_use]
    pub fn idle_timeout(self, idle: Duration) -> Self {
        self.with(|receiver| receiver.idle_timeout(idle))
    }

    /// Chooses the keys by request, in place of the verifier's own: for tenants in the path or the
    /// host name. [`Receiver::resolve_keys`] says what `resolve` must keep to.
    ///
    /// ```
    /// use std::{collections::HashMap, convert::Infallible, sync::Arc};
    /// use actix_web::HttpRequest;
    /// use countersign::{Keyring, Verifier, catalog};
    /// use countersign_actix::Webhooks;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let tenants: Arc<HashMap<String, Arc<Keyring>>> = Arc::default();
    /// // In `tenants` stand keyrings such as `Keyring::builder(&catalog::STRIPE).key(…).tenant("acme").build()?`.
    /// let none = Keyring::by_request(&catalog::STRIPE)?;
    /// let verifier = Verifier::builder(catalog::STRIPE).keys(none).build()?;
    /// // On `web::resource("/hooks/{tenant}")`.
    /// let webhooks = Webhooks::new(verifier).resolve_keys(move |request: &HttpRequest| {
    ///     let tenant = request.match_info().get("tenant").unwrap_or_default().to_owned();
    ///     let tenants = tenants.clone();
    ///     async move { Ok::<_, Infallible>(tenants.get(&tenant).cloned()) }
    /// });
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn resolve_keys<F, Fut, E>(self, resolve: F) -> Self
    where
        F: Fn(&HttpRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<Arc<Keyring>>, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.with(|receiver| receiver.resolve_keys(resolve))
    }

    /// Stores the secret that a handshake hands over; see [`Receiver::on_enrolment`].
    #[must_use]
    pub fn on_enrolment<F, Fut, E>(self, store: F) -> Self
    where
        F: Fn(&HttpRequest, String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.with(|receiver| receiver.on_enrolment(store))
    }

    /// Names the endpoint; see [`Receiver::endpoint`].
    #[must_use]
    pub fn endpoint(self, name: impl Into<Arc<str>>) -> Self {
        self.with(|receiver| receiver.endpoint(name))
    }

    /// Handles each event once: takes a store, or [`Idempotency`] with its settings. Make the middleware
    /// before the server's factory and clone it there, so that all workers share one store.
    ///
    /// # Errors
    /// As [`Receiver::idempotency`].
    pub fn idempotency(self, idempotency: impl Into<Idempotency>) -> Result<Self, SettingsError> {
        Arc::unwrap_or_clone(self.receiver).idempotency(idempotency).map(Webhooks::from)
    }

    /// Stores events and answers them at once; the handler isn't called. See [`Receiver::inbox`].
    #[must_use]
    pub fn inbox(self, inbox: impl Into<InboxSettings>) -> Self {
        self.with(|receiver| receiver.inbox(inbox))
    }

    /// Shows every decision to `audit`; see [`Receiver::audit`].
    #[must_use]
    pub fn audit(self, audit: impl Fn(&Decision<'_>) + Send + Sync + 'static) -> Self {
        self.with(|receiver| receiver.audit(audit))
    }

    /// The clock, in Unix seconds: the system's by default.
    #[must_use]
    pub fn clock(self, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.with(|receiver| receiver.clock(now))
    }

    /// What the middleware does before the handler, for use in `middleware::from_fn`: gives the request
    /// with its proof, to be [run](Handling::run) and then [finished](Handling::finish), or else the answer.
    ///
    /// ```
    /// use actix_web::{Error, body::MessageBody, dev::{ServiceRequest, ServiceResponse}, middleware::Next, web};
    /// use countersign_actix::Webhooks;
    ///
    /// // As `.wrap(middleware::from_fn(verified))`, with `.app_data(web::Data::new(webhooks))`.
    /// async fn verified(
    ///     webhooks: web::Data<Webhooks>,
    ///     request: ServiceRequest,
    ///     next: Next<impl MessageBody + 'static>,
    /// ) -> Result<ServiceResponse<impl MessageBody>, Error> {
    ///     match webhooks.receive(request).await {
    ///         Ok((request, handling)) => {
    ///             let response = handling.run(|| next.call(request)).await?;
    ///             handling.finish(response.status().as_u16()).await;
    ///             Ok(response.map_into_left_body())
    ///         }
    ///         Err(answer) => Ok(answer.map_into_right_body()),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// The answer, where the handler isn't to be called.
    pub async fn receive(
        &self,
        mut request: ServiceRequest,
    ) -> Result<(ServiceRequest, Handling), ServiceResponse<BoxBody>> {
        let mut payload = request.take_payload();
        match self.judge(request.request(), Pieces(&mut payload)).await {
            Next::Handle(verified, handling) => {
                hand_over(&mut request, verified, handling.holds_claim());
                Ok((request, handling))
            }
            Next::Answer(answer) => Err(request.into_response(reply::response(answer, payload))),
        }
    }

    async fn judge(&self, request: &HttpRequest, body: Pieces<'_>) -> Next {
        let headers = Headers(request.headers());
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let view = RequestView { method: request.method().as_str(), target, headers: &headers };
        let (declared_length, claimed) = (headers.declared_length(), claimed(&request.extensions()));
        let incoming = Incoming { parts: request, request: view, declared_length, claimed: claimed.as_ref() };
        self.receiver.receive(&incoming, body).await
    }

    fn with(self, change: impl FnOnce(Receiver<HttpRequest>) -> Receiver<HttpRequest>) -> Self {
        change(Arc::unwrap_or_clone(self.receiver)).into()
    }
}

impl From<Receiver<HttpRequest>> for Webhooks {
    fn from(receiver: Receiver<HttpRequest>) -> Self {
        Webhooks { receiver: Arc::new(receiver) }
    }
}

impl<S, B> Transform<S, ServiceRequest> for Webhooks
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = WebhooksMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(WebhooksMiddleware { service: Rc::new(service), webhooks: self.clone() }))
    }
}

/// The service that [`Webhooks`] makes of another.
#[doc(hidden)]
#[derive(Debug)]
pub struct WebhooksMiddleware<S> {
    service: Rc<S>,
    webhooks: Webhooks,
}

impl<S, B> Service<ServiceRequest> for WebhooksMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (service, webhooks) = (self.service.clone(), self.webhooks.clone());
        Box::pin(async move {
            // Boxed by itself: as one, they would be larger than what allocators are fast at.
            let (request, handling) = match Box::pin(webhooks.receive(request)).await {
                Ok(received) => received,
                Err(answer) => return Ok(answer.map_into_right_body()),
            };
            let response = handling.run(|| service.call(request)).await?;
            handling.finish(response.status().as_u16()).await;
            Ok(response.map_into_left_body())
        })
    }
}

/// The proof that a layer around this one has left, where that has claimed the event.
fn claimed(extensions: &Extensions) -> Option<Verified> {
    extensions.get::<HasClaim>().and_then(|_| extensions.get()).cloned()
}

/// Gives the request its body back as it arrived, and its proof.
fn hand_over(request: &mut ServiceRequest, verified: Verified, has_claim: bool) {
    request.set_payload(Payload::from(verified.body_ref().clone()));
    let mut extensions = request.extensions_mut();
    extensions.insert(verified);
    if has_claim {
        extensions.insert(HasClaim);
    }
}
