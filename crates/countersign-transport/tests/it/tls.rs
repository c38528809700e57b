//! Who is trusted, and who isn't.

use std::sync::Arc;

use countersign_transport::{BuildErrorKind, Failure, FailureKind, Roots, Transport, TransportBuilder};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use crate::support::{Answers, OK, OPEN, Receiver, builder, failure, post};

pub(crate) const NAME: &str = "hooks.example";

#[tokio::test]
async fn an_added_authority_is_trusted_for_names_and_addresses() {
    let authority = Authority::new("ours");
    let receiver = secured(authority.certificate(NAME, |_| {})).await;
    for roots in [Roots::Bundled, Roots::AddedOnly] {
        let transport = trusting(&authority).roots(roots).build().expect("a transport");
        let answer = post(&transport, &url(&receiver, NAME)).await.result.expect("an answer");
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, &b"ok"[..]));
    }

    let receiver = secured(authority.certificate(&OPEN.to_string(), |_| {})).await;
    let transport = trusting(&authority).build().expect("a transport");
    let answer = post(&transport, &url(&receiver, &OPEN.to_string())).await.result.expect("an answer");
    assert_eq!(answer.peer, Some(receiver.address));
}

#[tokio::test]
async fn a_secured_connection_is_used_again() {
    let authority = Authority::new("ours");
    let receiver = secured(authority.certificate(NAME, |_| {})).await;
    let transport = trusting(&authority).max_idle_per_host(1).build().expect("a transport");
    for _ in 0..3 {
        post(&transport, &url(&receiver, NAME)).await.result.expect("an answer");
    }
    assert_eq!((receiver.accepted(), receiver.requests().len()), (1, 3));
}

#[tokio::test]
async fn adv_80_a_certificate_that_has_expired_is_refused() {
    let authority = Authority::new("ours");
    let expired = authority.certificate(NAME, |params| params.not_after = date_time_ymd(2020, 1, 1));
    refused(&authority, expired, "the host's certificate has expired").await;
}

#[tokio::test]
async fn adv_80_a_certificate_of_the_future_is_refused() {
    let authority = Authority::new("ours");
    let future = authority.certificate(NAME, |params| params.not_before = date_time_ymd(4000, 1, 1));
    refused(&authority, future, "the host's certificate is not valid yet").await;
}

#[tokio::test]
async fn adv_80_a_certificate_for_another_name_is_refused() {
    let authority = Authority::new("ours");
    for other in ["other.example", "example", "*.hooks.example", "127.0.0.2"] {
        refused(
            &authority,
            authority.certificate(other, |_| {}),
            "the host's certificate is for another name",
        )
        .await;
    }
}

#[tokio::test]
async fn adv_80_a_certificate_of_an_unknown_authority_is_refused() {
    let authority = Authority::new("ours");
    let unknown = Authority::new("theirs").certificate(NAME, |_| {});
    let failure = refused(&authority, unknown, "the host's certificate isn't signed by an authority").await;
    assert!(failure.to_string().contains("trusted here"), "{failure}");
}

#[tokio::test]
async fn adv_80_a_certificate_that_signed_itself_is_refused() {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new([NAME.to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate").der().clone();
    let itself = (certificate, PrivateKeyDer::try_from(key.serialize_der()).expect("a key"));
    refused(&Authority::new("ours"), itself, "the host's certificate").await;
}

#[tokio::test]
async fn adv_80_without_an_added_authority_the_bundled_and_the_platforms_refuse_a_test_certificate() {
    let authority = Authority::new("ours");
    let receiver = secured(authority.certificate(NAME, |_| {})).await;
    for roots in [Roots::Bundled, Roots::Platform] {
        let built = named().roots(roots).build();
        // A machine without certificates can't have the platform's.
        let Err(error) = built.map(|transport| (transport, ())) else {
            let transport = named().roots(roots).build().expect("a transport");
            assert_eq!(
                failure(&transport, &url(&receiver, NAME)).await.kind(),
                FailureKind::Tls,
                "{roots:?}"
            );
            continue;
        };
        assert_eq!((roots, error.kind()), (Roots::Platform, BuildErrorKind::NoRoots));
    }
    assert!(receiver.requests().is_empty());
}

#[tokio::test]
async fn adv_80_tls_1_1_is_refused() {
    let receiver = Receiver::serving(|mut stream, _| async move {
        let mut hello = [0; 4096];
        let _ = stream.read(&mut hello).await;
        let _ = stream.write_all(&server_hello(0x02)).await;
        let _ = stream.read(&mut hello).await;
    })
    .await;
    let transport = named().build().expect("a transport");
    let failure = failure(&transport, &url(&receiver, NAME)).await;
    assert_eq!(failure.kind(), FailureKind::Tls);
    assert!(failure.to_string().contains("TLS 1.2 or 1.3 is needed"), "{failure}");
}

#[tokio::test]
async fn adv_80_a_host_that_does_not_speak_tls_is_refused() {
    let plain = Receiver::serving(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read(&mut [0; 4096]).await;
    })
    .await;
    let transport = named().build().expect("a transport");
    let failure = failure(&transport, &url(&plain, NAME)).await;
    assert_eq!(failure.kind(), FailureKind::Tls);
    assert_eq!(failure.to_string(), "the host doesn't speak TLS on this port");
}

#[tokio::test]
async fn a_connection_that_breaks_while_it_is_secured_is_a_failure_of_tls() {
    let closing = Receiver::serving(|stream, _| async move { drop(stream) }).await;
    let transport = named().build().expect("a transport");
    assert_eq!(failure(&transport, &url(&closing, NAME)).await.kind(), FailureKind::Tls);
}

#[test]
fn settings_that_trust_nobody_or_nonsense_are_refused() {
    let kind = |builder: TransportBuilder| builder.build().map(drop).expect_err("no transport").kind();
    assert_eq!(kind(Transport::builder().roots(Roots::AddedOnly)), BuildErrorKind::NoRoots);
    for pem in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert_eq!(kind(Transport::builder().add_root_pem(pem)), BuildErrorKind::Root, "{pem}");
    }
    assert_eq!(kind(Transport::builder().user_agent("a\nb")), BuildErrorKind::UserAgent);
    assert_eq!(kind(Transport::builder().timeout(std::time::Duration::ZERO)), BuildErrorKind::Timeout);
    assert_eq!(kind(Transport::builder().connect_timeout(std::time::Duration::MAX)), BuildErrorKind::Timeout);
}

/// An authority of this test.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

pub(crate) type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Authority(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    pub(crate) fn certificate(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        change(&mut params);
        let certificate = params.signed_by(&key, &self.0).expect("a certificate").der().clone();
        (certificate, PrivateKeyDer::try_from(key.serialize_der()).expect("a key"))
    }
}

/// A receiver with this identity.
async fn secured(identity: Identity) -> Receiver {
    let acceptor = TlsAcceptor::from(Arc::new(server_config(identity)));
    Receiver::serving(move |stream, receiver| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            while receiver.read_request(&mut stream).await.is_some() {
                stream.write_all(OK).await.expect("the sender reads");
            }
        }
    })
    .await
}

pub(crate) fn server_config((certificate, key): Identity) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("an identity")
}

async fn refused(authority: &Authority, identity: Identity, reason: &str) -> Failure {
    let receiver = secured(identity).await;
    let transport = trusting(authority).build().expect("a transport");
    let failure = failure(&transport, &url(&receiver, NAME)).await;
    assert_eq!(failure.kind(), FailureKind::Tls);
    assert!(failure.to_string().starts_with(reason), "{failure}");
    assert!(receiver.requests().is_empty());
    failure
}

fn named() -> TransportBuilder {
    builder().resolver(Answers::new(&[&[OPEN]]))
}

pub(crate) fn trusting(authority: &Authority) -> TransportBuilder {
    named().add_root_pem(authority.0.pem())
}

pub(crate) fn url(receiver: &Receiver, host: &str) -> String {
    format!("https://{host}:{}/hook", receiver.address.port())
}

/// The answer of a server that chooses version 1.`minor − 1` of TLS.
fn server_hello(minor: u8) -> Vec<u8> {
    let mut hello = vec![3, minor];
    hello.extend([7; 32]); // random
    hello.extend([0, 0xc0, 0x2f, 0]); // no session, a cipher that the client offers, no compression
    let length = u8::try_from(hello.len()).expect("a short message");
    [&[22, 3, minor, 0, length + 4, 2, 0, 0, length][..], &hello].concat()
}
