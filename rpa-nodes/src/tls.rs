//! Connections that nobody else can read.

use std::sync::{Arc, LazyLock};

use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};

use crate::fault::Fault;

/// Trusts whom the system trusts; read once.
static CONFIG: LazyLock<Result<Arc<ClientConfig>, String>> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate of the system cannot be read");
    }
    let mut trusted = RootCertStore::empty();
    trusted.add_parsable_certificates(found.certs);
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(Arc::new(config))
});

/// How such connections are made.
///
/// # Errors
/// There is no cryptography that fits.
pub(crate) fn config() -> Result<Arc<ClientConfig>, Fault> {
    CONFIG.clone().map_err(|error| Fault::of("SSLError", error))
}
