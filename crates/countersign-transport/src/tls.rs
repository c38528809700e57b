//! Who is trusted.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::transport::{BuildError, BuildErrorKind};

/// Which authorities may vouch for a host, beside those that are added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Roots {
    /// Mozilla's list, as it was when this was built.
    #[default]
    Bundled,
    /// The operating system's.
    Platform,
    /// None but those that are added.
    AddedOnly,
}

/// TLS 1.2 and 1.3, certificates verified. There is no way not to verify them.
pub(crate) fn client_config(roots: Roots, added: &[Vec<u8>]) -> Result<ClientConfig, BuildError> {
    let added = certificates(added)?;
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|_| BuildError::new(BuildErrorKind::Tls))?;
    let mut config = match roots {
        Roots::Platform => {
            let verifier = Arc::new(platform(added, provider)?);
            // "Dangerous" is any verifier of one's own choice; this one asks the platform.
            builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
        }
        Roots::Bundled | Roots::AddedOnly => {
            builder.with_root_certificates(store(roots, added)?).with_no_client_auth()
        }
    };
    config.alpn_protocols = OFFERED.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

fn certificates(pem: &[Vec<u8>]) -> Result<Vec<CertificateDer<'static>>, BuildError> {
    let mut all = Vec::new();
    for pem in pem {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates = certificates.map_err(|_| BuildError::new(BuildErrorKind::Root))?;
        if certificates.is_empty() {
            return Err(BuildError::new(BuildErrorKind::Root));
        }
        all.extend(certificates);
    }
    Ok(all)
}

fn store(roots: Roots, added: Vec<CertificateDer<'static>>) -> Result<RootCertStore, BuildError> {
    let mut store = RootCertStore::empty();
    if roots == Roots::Bundled {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for certificate in added {
        store.add(certificate).map_err(|_| BuildError::new(BuildErrorKind::Root))?;
    }
    if store.is_empty() { Err(BuildError::new(BuildErrorKind::NoRoots)) } else { Ok(store) }
}

fn platform(
    added: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Verifier, BuildError> {
    Verifier::new_with_extra_roots(added, provider).map_err(|_| BuildError::new(BuildErrorKind::NoRoots))
}

/// What is spoken over TLS, the best first. The receiver chooses.
#[cfg(feature = "http2")]
const OFFERED: &[&[u8]] = &[HTTP_2, b"http/1.1"];
#[cfg(not(feature = "http2"))]
const OFFERED: &[&[u8]] = &[b"http/1.1"];

/// The name of HTTP/2 in TLS.
pub(crate) const HTTP_2: &[u8] = b"h2";
