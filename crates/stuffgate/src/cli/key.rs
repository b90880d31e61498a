//! `stuffgate key`.

use super::gate::ConfigPath;
use super::output::say;
use super::{Exit, Failure, kek};
use crate::config::Config;
use clap::Subcommand;
use registry::{Kek, Registry};
use std::path::{Path, PathBuf};

/// Commands about the key that secrets are sealed with.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a new key and wrap everything with it
    ///
    /// The old key opens nothing of the registry afterwards. Interrupted anywhere, the same command finishes
    /// what it began. A running gate takes the new key up on SIGHUP.
    Rotate,
}

impl Key {
    pub(crate) fn run(&self, config: &ConfigPath) -> Result<(), Failure> {
        match self {
            Self::Rotate => rotate(&config.load()?),
        }
    }
}

/// The new key is on disk before anything is wrapped with it, and takes the old one's place after.
fn rotate(config: &Config) -> Result<(), Failure> {
    if !config.kek.exists() {
        let message =
            "the key is in the environment, where only you can replace it: give a key file to rotate";
        return Err(Failure::new(Exit::Conflict, message));
    }
    let next = beside(&config.kek);
    if next.exists() {
        let new = Kek::from_file(&next)?;
        if Registry::kek_id_of(&config.registry)? == new.id() {
            return put_in_place(&next, &config.kek, &new, "finished a rotation that was interrupted");
        }
        std::fs::remove_file(&next)?;
    }
    let mut registry = Registry::open(&config.registry, kek(config)?)?;
    let new = Kek::create_file(&next)?;
    let count = registry.rotate_kek(new.clone())?;
    put_in_place(&next, &config.kek, &new, &format!("wrapped {count} secret(s) anew"))
}

fn put_in_place(from: &Path, to: &Path, new: &Kek, what: &str) -> Result<(), Failure> {
    std::fs::rename(from, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()?;
    say(&format!("{what}; the key is now {}. Send SIGHUP to a running gate.", new.id()))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}
