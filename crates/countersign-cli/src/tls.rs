//! What secures connections.

/// Says, once for the process, by which library connections are secured, for clients that don't choose.
pub(crate) fn choose_provider() {
    // It fails where it was said before, which is as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
