//! Whom a server runs as: ourselves, or somebody without rights when we are root, as Postgres demands.

use crate::Error;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Numbers of `nobody` where /etc/passwd does not tell (Linux Standard Base, "User & Group Names").
const NOBODY: (u32, u32) = (65534, 65534);

/// The user that programs of Postgres run as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunAs(Option<(u32, u32)>);

impl RunAs {
    pub(crate) fn detect() -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self(None);
        }
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self(Some(nobody_in(&passwd).unwrap_or(NOBODY)))
    }

    /// Whoever we are, root included.
    pub(crate) fn ourselves() -> Self {
        Self(None)
    }

    /// A command that will run as this user, without the `PG…` variables of our own environment.
    pub(crate) fn command(self, program: &Path, in_folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.current_dir(in_folder).process_group(0);
        if let Some((uid, gid)) = self.0 {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Gives one file or folder to this user.
    pub(crate) fn give(self, path: &Path) -> Result<(), Error> {
        let Some((uid, gid)) = self.0 else { return Ok(()) };
        std::os::unix::fs::chown(path, Some(uid), Some(gid)).map_err(Error::io("cannot hand over", path))
    }
}

fn nobody_in(passwd: &str) -> Option<(u32, u32)> {
    let line = passwd.lines().find(|line| line.starts_with("nobody:"))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #[test]
    fn nobody_is_found_by_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:99:98:nobody:/:/bin/false\n";
        assert_eq!(super::nobody_in(passwd), Some((99, 98)));
        assert_eq!(super::nobody_in("root:x:0:0"), None);
    }
}
