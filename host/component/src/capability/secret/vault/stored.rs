//! The form of the secret store's file: JSON with the sealed values in
//! base64. `format` counts; a file of a later one is refused, not guessed at.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::super::key::Key;
use super::super::{Secret, SecretError};

const FORMAT: u32 = 1;

/// Values are filled up to a multiple of it, so that a file shows their
/// lengths roughly at most.
const BLOCK: usize = 256;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) format: u32,
    /// Id of the key that all values are sealed with.
    pub(super) key: String,
    pub(super) secrets: Vec<Sealed>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sealed {
    pub(super) tenant: String,
    pub(super) name: String,
    /// Unix milliseconds.
    pub(super) set_ms: u64,
    /// Nonce, ciphertext and tag, base64.
    value: String,
}

/// Of any format: enough to tell which.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

impl Stored {
    pub(super) fn new(key: &Key) -> Self {
        Self {
            format: FORMAT,
            key: key.id(),
            secrets: Vec::new(),
        }
    }

    pub(super) fn parse(bytes: &[u8], place: &str) -> Result<Self, SecretError> {
        let damaged = |error: serde_json::Error| SecretError::Damaged {
            place: place.to_owned(),
            reason: error.to_string(),
        };
        let head: Head = serde_json::from_slice(bytes).map_err(damaged)?;
        if head.format != FORMAT {
            return Err(SecretError::Format {
                place: place.to_owned(),
                found: head.format,
                known: FORMAT,
            });
        }
        serde_json::from_slice(bytes).map_err(damaged)
    }

    pub(super) fn text(&self) -> Vec<u8> {
        // Texts and numbers always have a JSON form.
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    pub(super) fn find(&self, tenant: &str, name: &str) -> Option<&Sealed> {
        self.secrets
            .iter()
            .find(|sealed| sealed.tenant == tenant && sealed.name == name)
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, tenant: &str, name: &str) -> bool {
        self.drop_where(|sealed| sealed.tenant == tenant && sealed.name == name)
    }

    pub(super) fn forget(&mut self, gone: &dyn Fn(&str) -> bool) -> bool {
        self.drop_where(|sealed| gone(&sealed.tenant))
    }

    fn drop_where(&mut self, drop: impl Fn(&Sealed) -> bool) -> bool {
        let before = self.secrets.len();
        self.secrets.retain(|sealed| !drop(sealed));
        self.secrets.len() < before
    }
}

impl Sealed {
    pub(super) fn seal(
        key: &Key,
        tenant: &str,
        name: &str,
        value: &Secret,
        set_ms: u64,
    ) -> Result<Self, SecretError> {
        let mut nonce = [0; NONCE_LEN];
        let filled = SystemRandom::new().fill(&mut nonce);
        filled.map_err(|_| SecretError::NoRandom)?;
        let mut buffer = padded(value.expose());
        let sealer = sealer(key).ok_or(SecretError::NoRandom)?;
        let tag = sealer
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                bound(tenant, name, set_ms),
                buffer.as_mut_slice(),
            )
            .map_err(|_| SecretError::NoRandom)?;
        let mut whole = nonce.to_vec();
        whole.extend_from_slice(&buffer);
        whole.extend_from_slice(tag.as_ref());
        Ok(Self {
            tenant: tenant.to_owned(),
            name: name.to_owned(),
            set_ms,
            value: STANDARD.encode(whole),
        })
    }

    /// `None` where anything of it is not as it was sealed.
    pub(super) fn open(&self, key: &Key) -> Option<Secret> {
        let whole = STANDARD.decode(&self.value).ok()?;
        let (nonce, sealed) = whole.split_first_chunk::<NONCE_LEN>()?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let opened = sealer(key)?
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                bound(&self.tenant, &self.name, self.set_ms),
                buffer.as_mut_slice(),
            )
            .ok()?;
        let (length, rest) = opened.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let value = std::str::from_utf8(rest.get(..length)?).ok()?;
        Some(Secret::new(value.to_owned()))
    }
}

/// The value behind its length, filled up.
fn padded(value: &str) -> Zeroizing<Vec<u8>> {
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    let whole = (4 + value.len()).next_multiple_of(BLOCK);
    let mut buffer = Zeroizing::new(Vec::with_capacity(whole));
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(value.as_bytes());
    buffer.resize(whole, 0);
    buffer
}

/// What a value cannot be taken away from. Neither names nor tenants hold
/// the separator.
fn bound(tenant: &str, name: &str, set_ms: u64) -> Aad<Vec<u8>> {
    Aad::from(format!("duijie secret {FORMAT}\0{tenant}\0{name}\0{set_ms}").into_bytes())
}

/// `None` for no key of the right length, which a [`Key`] always has.
fn sealer(key: &Key) -> Option<LessSafeKey> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key.bytes()).ok()?;
    Some(LessSafeKey::new(key))
}
