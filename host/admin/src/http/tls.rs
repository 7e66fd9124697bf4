//! The certificate that the interface shows. It is read again when its files
//! change, so that a renewed one needs no restart.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate and its key.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    state: Mutex<State>,
}

struct State {
    config: Arc<ServerConfig>,
    /// Of the two files when they were read.
    print: [Print; 2],
}

/// Changes when a file does: its inode, its length and when it was changed.
type Print = (u64, u64, i64, i64);

/// Why TLS cannot be spoken; it holds nothing of the files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{} cannot be read: {reason}", .place.display())]
    Read { place: PathBuf, reason: String },
    #[error("{} may be read by everybody: `chmod 600` it", .0.display())]
    Open(PathBuf),
    #[error("certificate and key do not go together: {0}")]
    Unfit(rustls::Error),
}

impl Tls {
    /// Files in PEM.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        // Before the files, so that a change between the two is seen later.
        let print = [print(certificate)?, print(key)?];
        Ok(Self {
            state: Mutex::new(State {
                config: Arc::new(config(certificate, key)?),
                print,
            }),
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Reads the files again where they have changed; whether they had. What
    /// was read before stays where they cannot be used.
    pub(crate) fn look(&self) -> Result<bool, TlsError> {
        let print = [print(&self.certificate)?, print(&self.key)?];
        if self.lock().print == print {
            return Ok(false);
        }
        let config = Arc::new(config(&self.certificate, &self.key)?);
        *self.lock() = State { config, print };
        Ok(true)
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.lock().config.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_error(place: &Path, reason: impl ToString) -> TlsError {
    TlsError::Read {
        place: place.to_owned(),
        reason: reason.to_string(),
    }
}

fn print(place: &Path) -> Result<Print, TlsError> {
    let found = std::fs::metadata(place).map_err(|error| read_error(place, error))?;
    let changed = (found.mtime(), found.mtime_nsec());
    Ok((found.ino(), found.len(), changed.0, changed.1))
}

fn config(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let mode = std::fs::metadata(key).map_err(|error| read_error(key, error))?;
    if mode.mode() & 0o007 != 0 {
        return Err(TlsError::Open(key.to_owned()));
    }
    let wrong = |error| read_error(certificate, error);
    let chain = CertificateDer::pem_file_iter(certificate).map_err(wrong)?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| read_error(key, error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(TlsError::Unfit)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
