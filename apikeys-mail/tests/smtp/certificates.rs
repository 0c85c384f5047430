use std::fs;

use apikeys_test_leftovers::Artifacts;
use apikeys_test_smtp::{Encryption, Settings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// An authority, and a certificate that it has issued.
pub(crate) struct Certificates {
    /// The certificate of the authority.
    pub(crate) authority: Vec<u8>,
    settings: Settings,
}

impl Certificates {
    /// Issues a certificate for this host, and writes it into the folder of the test.
    pub(crate) fn issue(artifacts: &Artifacts, host: &str) -> Self {
        Self::issue_with(artifacts, host, |_| {})
    }

    pub(crate) fn issue_with(
        artifacts: &Artifacts,
        host: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &authority).unwrap();
        let settings = Settings {
            certificate: artifacts.path("certificate.pem"),
            key: artifacts.path("key.pem"),
            ..Settings::default()
        };
        fs::write(&settings.certificate, certificate.pem()).unwrap();
        fs::write(&settings.key, key.serialize_pem()).unwrap();
        Self { authority: authority.pem().into_bytes(), settings }
    }

    /// Returns the settings of a server with the certificate.
    pub(crate) fn server(&self, tls: Encryption) -> Settings {
        Settings { tls, ..self.settings.clone() }
    }
}
