use lettre::transport::smtp::client::{TlsParameters, TlsParametersBuilder};

use crate::{SettingsError, SmtpServer};

/// Returns the parameters of encrypted connections to a server.
pub(crate) fn parameters(server: &SmtpServer) -> Result<TlsParameters, SettingsError> {
    let mut tls = TlsParametersBuilder::new(server.host.clone());
    #[cfg(feature = "rustls-webpki-roots")]
    if server.only_webpki_roots {
        tls = tls.certificate_store(lettre::transport::smtp::client::CertificateStore::WebpkiRoots);
    }
    for root in &server.roots {
        tls = tls.add_root_certificate(root.clone());
    }
    tls.build().map_err(|error| {
        SettingsError::because(
            "mail server",
            "TLS cannot be set up: install the certificate roots of the operating system (on Debian, the package \
             ca-certificates), or enable the feature `rustls-webpki-roots` of apikeys-mail",
            error,
        )
    })
}
