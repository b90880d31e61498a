//! The key-encryption key: read from a file that only its owner may read, or from the environment.

use crate::{Error, Result};
use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Environment variable that holds the key in base64 when there is no key file.
pub const KEK_VARIABLE: &str = "STUFFGATE_KEK";

/// Size of the key, in bytes.
pub(crate) const KEY_BYTES: usize = 32;

/// A key file is one line of base64; nothing longer is read.
const MAX_FILE_BYTES: u64 = 1024;

/// The key-encryption key. Cloning copies a pointer; Debug shows its id only.
#[derive(Clone)]
pub struct Kek(Arc<Inner>);

struct Inner {
    id: String,
    key: RandomizedNonceKey,
    mock: Zeroizing<[u8; KEY_BYTES]>,
}

impl Kek {
    /// A new random key in the text form that [`Kek::from_text`] reads: 32 bytes in base64.
    ///
    /// # Errors
    /// [`Error::System`] when the system gives no random bytes.
    pub fn generate() -> Result<Zeroizing<String>> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| Error::System("random bytes"))?;
        Ok(Zeroizing::new(STANDARD.encode(*bytes)))
    }

    /// Reads a key from its text form. White space around it does not matter.
    ///
    /// # Errors
    /// [`Error::Key`] when the text is not 32 bytes in base64.
    pub fn from_text(text: &str) -> Result<Self> {
        let bad = || Error::Key("a key is 32 bytes in base64; this is something else".to_owned());
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| bad())?);
        if bytes.len() != KEY_BYTES {
            return Err(bad());
        }
        let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| bad())?;
        Ok(Self(Arc::new(Inner { id: key_id(&bytes), key, mock: mock_secret(&bytes) })))
    }

    /// Reads a key file. It must be closed to group and others, as 0400 and 0600 are: since it could
    /// be read, it then belongs to whoever runs the gate (or that is root).
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read, [`Error::Key`] when it is open to others or holds no key.
    pub fn from_file(path: &Path) -> Result<Self> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            let path = path.display();
            return Err(Error::Key(format!(
                "{path} has mode {mode:o}, so others may read the key: chmod 0400 {path}"
            )));
        }
        let mut text = Zeroizing::new(String::with_capacity(256));
        file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(failed)?;
        Self::from_text(&text).map_err(|_| {
            Error::Key(format!("{} holds no key: it must be 32 bytes in base64", path.display()))
        })
    }

    /// Reads the key from the environment variable [`KEK_VARIABLE`]; `None` when it is not set.
    ///
    /// # Errors
    /// [`Error::Key`] when it is set to something that is not a key.
    pub fn from_environment() -> Result<Option<Self>> {
        let Some(text) = std::env::var_os(KEK_VARIABLE) else { return Ok(None) };
        let text = Zeroizing::new(text.to_string_lossy().into_owned());
        Self::from_text(&text)
            .map(Some)
            .map_err(|_| Error::Key(format!("{KEK_VARIABLE} holds no key: it must be 32 bytes in base64")))
    }

    /// Makes a new key and writes it to a new file of mode 0400, durable before this returns.
    ///
    /// # Errors
    /// [`Error::Exists`] when the file is there already: a key is never overwritten.
    pub fn create_file(path: &Path) -> Result<Self> {
        let failed = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AlreadyExists => Error::Exists(path.to_owned()),
            _ => Error::File { path: path.to_owned(), source },
        };
        let text = Self::generate()?;
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o400).open(path).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        Self::from_text(&text)
    }

    /// Eight hexadecimal digits that tell keys apart and say nothing about them.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// What salts of logins that do not exist are made with: the same for every gate that has this key, and
    /// from start to start, or asking twice would tell them from real ones (RFC 5802, section 9).
    #[must_use]
    pub fn mock_secret(&self) -> &[u8; KEY_BYTES] {
        &self.0.mock
    }

    pub(crate) fn key(&self) -> &RandomizedNonceKey {
        &self.0.key
    }
}

impl std::fmt::Debug for Kek {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kek").field(&self.0.id).finish()
    }
}

fn mock_secret(bytes: &[u8]) -> Zeroizing<[u8; KEY_BYTES]> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, bytes);
    let tag = hmac::sign(&key, b"stuffgate unknown logins");
    let mut secret = Zeroizing::new([0; KEY_BYTES]);
    secret.copy_from_slice(tag.as_ref());
    secret
}

fn key_id(bytes: &[u8]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"stuffgate kek id");
    context.update(bytes);
    hex(&context.finish().as_ref()[..4])
}

/// `bytes` in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `N` random bytes in hexadecimal, for names that must not collide.
pub(crate) fn random_hex<const N: usize>() -> Result<String> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::System("random bytes"))?;
    Ok(hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_file_is_made_once_for_its_owner_alone_and_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kek");
        let made = Kek::create_file(&path).expect("a new key");
        assert_eq!(std::fs::metadata(&path).expect("its data").permissions().mode() & 0o777, 0o400);
        assert_eq!(Kek::from_file(&path).expect("the key").id(), made.id());
        assert!(matches!(Kek::create_file(&path), Err(Error::Exists(_))));
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kek");
        Kek::create_file(&path).expect("a new key");
        for mode in [0o440, 0o404, 0o420, 0o644] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a new mode");
            let refused = Kek::from_file(&path).expect_err("others may read it").to_string();
            assert!(refused.contains("chmod 0400"), "{refused}");
        }
    }

    #[test]
    fn what_is_not_a_key_is_refused_without_being_repeated() {
        for text in ["", "hunter2", "aHVudGVyMg=="] {
            let refused = Kek::from_text(text).expect_err("not a key").to_string();
            assert!(text.is_empty() || !refused.contains(text), "{refused}");
        }
        let key = Kek::generate().expect("a key");
        assert!(!format!("{:?}", Kek::from_text(&key).expect("a key")).contains(key.as_str()));
    }
}
