//! How scripts learn that the gate takes clients, and where.

use anyhow::Context as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use tempfile::NamedTempFile;

/// Writes `{"pid", "listen", "http"}` to `path` as a whole: whoever sees the file sees all of it. `listen`
/// holds all addresses, `http` is null where nothing is served.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(path: &Path, listen: &[SocketAddr], http: Option<SocketAddr>) -> anyhow::Result<()> {
    let told = serde_json::json!({ "pid": std::process::id(), "listen": listen, "http": http });
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let put = || {
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(told.to_string().as_bytes())?;
        file.persist(path)?;
        Ok::<_, std::io::Error>(())
    };
    put().with_context(|| path.display().to_string())
}
