//! `stuffgate init`.

use super::output::say;
use super::{Exit, Failure};
use crate::config::{Config, TEMPLATE};
use registry::{Kek, Registry};
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  stuffgate init /etc/stuffgate
  stuffgate -c /etc/stuffgate/stuffgate.toml check")]
pub(crate) struct Init {
    /// Folder, which is made if it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

impl Init {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let path = self.folder.join("stuffgate.toml");
        let config = Config::parse(&path, TEMPLATE)?;
        for file in [&path, &config.kek, &config.registry] {
            if file.exists() {
                let message = format!("{} exists already; nothing was changed", file.display());
                return Err(Failure::new(Exit::Conflict, message));
            }
        }
        let at = |error: std::io::Error| Failure::from(error).at(&self.folder.display().to_string());
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(at)?;
        let kek = Kek::create_file(&config.kek)?;
        Registry::create(&config.registry, kek)?;
        // Last, so that a configuration is there only when all it names is.
        write_new(&path, TEMPLATE).map_err(|error| Failure::from(error).at(&path.display().to_string()))?;
        say(&format!(
            "Made {}, {} and {}.\n\
             Keep a copy of the key elsewhere: without it the registry's secrets are lost.\n\
             Next: cd {} && stuffgate service add NAME, user add NAME, store add NAME URL, grant USER SERVICE, serve",
            path.display(),
            config.registry.display(),
            config.kek.display(),
            self.folder.display()
        ))
    }
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
