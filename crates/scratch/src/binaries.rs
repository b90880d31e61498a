//! Where Postgres's programs are on this machine.

use crate::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Environment variable that names the folder to use before any other.
const ENV: &str = "STUFFGATE_PG_BIN";
/// Where Debian and Ubuntu install every major version side by side.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A folder with `postgres`, `initdb` and `psql`.
#[derive(Clone, Debug)]
pub struct Binaries {
    folder: PathBuf,
    version: String,
}

impl Binaries {
    /// The first of: the folder `STUFFGATE_PG_BIN` names, the newest under `/usr/lib/postgresql`, PATH.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] when none of them has a server.
    pub fn find() -> Result<Self, Error> {
        let named = std::env::var_os(ENV).map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        named
            .into_iter()
            .chain(debian_folders())
            .chain(std::env::split_paths(&path))
            .find_map(|folder| Self::in_folder(&folder))
            .ok_or_else(|| Error::NotInstalled { looked: format!("{ENV}, {DEBIAN}, PATH") })
    }

    /// One major version: Debian's own, or one unpacked into `target/postgres/<major>`.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] when this machine has no such version.
    pub fn of_major(major: u32) -> Result<Self, Error> {
        let unpacked = target_folder().map(|target| target.join(format!("postgres/{major}/bin")));
        std::iter::once(Path::new(DEBIAN).join(format!("{major}/bin")))
            .chain(unpacked)
            .find_map(|folder| Self::in_folder(&folder))
            .filter(|found| found.major() == major)
            .ok_or_else(|| Error::NotInstalled {
                looked: format!("version {major} in {DEBIAN}, target/postgres"),
            })
    }

    /// The major version, such as 15.
    #[must_use]
    pub fn major(&self) -> u32 {
        let digits: String = self.version.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_default()
    }

    /// The full version as `postgres --version` tells it, such as `15.8`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The path of one program, such as `psql` or `pgbench`; one that is missing beside the server is
    /// left to PATH, where Debian has a wrapper for it.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        let beside = self.folder.join(name);
        if beside.exists() { beside } else { PathBuf::from(name) }
    }

    fn in_folder(folder: &Path) -> Option<Self> {
        if !folder.join("initdb").exists() {
            return None;
        }
        let told = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let told = String::from_utf8(told.stdout).ok()?;
        let version = told.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
        Some(Self { folder: folder.to_owned(), version: version.to_owned() })
    }
}

/// Debian's version folders, newest first.
fn debian_folders() -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .collect();
    found.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// Cargo's target folder, when this program runs from inside one.
pub(crate) fn target_folder() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    // Cargo tags only a folder that it made itself, and notes its compiler in either.
    let is_target =
        |folder: &&Path| [".rustc_info.json", "CACHEDIR.TAG"].iter().any(|mark| folder.join(mark).exists());
    program.ancestors().find(is_target).map(Path::to_owned)
}
