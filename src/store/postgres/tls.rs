//! TLS to a PostgreSQL server: its certificate and host name are always verified.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Returns the configuration of connections. `root` is a PEM file with root certificates. `None`: the root certificates
/// of the operating system.
///
/// # Errors
/// A sentence for the operator: which file, what is wrong, and what to do.
pub(super) fn config(root: Option<&Path>) -> Result<ClientConfig, String> {
    let roots = root.map_or_else(system_roots, roots_in)?;
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .map_err(|cause| format!("TLS can't be used: {cause}"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn system_roots() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let cause = found.errors.first().map_or_else(String::new, |cause| format!(" ({cause})"));
        return Err(format!(
            "the operating system has no root certificates{cause}; install ca-certificates, or set sslrootcert to a PEM \
             file"
        ));
    }
    Ok(roots)
}

fn roots_in(path: &Path) -> Result<RootCertStore, String> {
    let shown = path.display();
    let unusable = |cause: &dyn std::error::Error| {
        format!("sslrootcert {shown}: {cause}; give a readable PEM file with the certificate of the server's CA")
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|cause| unusable(&cause))? {
        let certificate = certificate.map_err(|cause| unusable(&cause))?;
        roots.add(certificate).map_err(|cause| unusable(&cause))?;
    }
    if roots.is_empty() {
        return Err(format!("sslrootcert {shown} contains no certificate; add the PEM certificate of the server's CA"));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn roots_are_read_from_a_pem_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let pem = || rcgen::generate_simple_self_signed(["db.example.com".to_owned()]).unwrap().cert.pem();
        fs::write(&path, format!("The CA of the database\n{}{}", pem(), pem())).unwrap();
        assert_eq!(roots_in(&path).unwrap().len(), 2);
        assert!(config(Some(&path)).is_ok());
    }

    #[test]
    fn an_unusable_pem_file_is_refused_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let shown = path.display();
        let refusal = || config(Some(&path)).unwrap_err();
        let unusable = |cause: &str| {
            format!("sslrootcert {shown}: {cause}; give a readable PEM file with the certificate of the server's CA")
        };
        assert_eq!(refusal(), unusable("I/O error: No such file or directory (os error 2)"));
        let none = format!("sslrootcert {shown} contains no certificate; add the PEM certificate of the server's CA");
        for text in ["", "no PEM", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            fs::write(&path, text).unwrap();
            assert_eq!(refusal(), none, "{text}");
        }
        // The text between the lines is not a certificate.
        fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(refusal().starts_with(&format!("sslrootcert {shown}: ")));
    }
}
