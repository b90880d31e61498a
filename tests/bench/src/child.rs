//! Programs that the bench starts, each ended with the bench in whatever way that ends.

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use testkit::scratch::{Folder, HOST};

/// Longest wait for a program to listen.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);
/// The numbers of `nobody` (Linux Standard Base, "User & Group Names").
const NOBODY: u32 = 65534;

/// A running program with a folder of its own. Dropping it kills it; so does the end of our process, because
/// a scratch folder ends what runs inside.
pub(crate) struct Child {
    process: std::process::Child,
    folder: Folder,
}

impl Child {
    /// Starts a command inside `folder`; what it says goes to the file `log` there.
    pub(crate) fn start(folder: Folder, command: &mut Command) -> Result<Self> {
        let log = File::create(folder.path().join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).current_dir(folder.path());
        let process =
            command.spawn().with_context(|| format!("cannot run {}", command.get_program().display()))?;
        Ok(Self { process, folder })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits for it to end by itself.
    pub(crate) fn wait(&mut self) -> Result<()> {
        self.process.wait()?;
        Ok(())
    }

    /// Returns once somebody listens on `port`.
    pub(crate) fn until_listening(&mut self, port: u16) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect((HOST, port)).is_err() {
            if Instant::now() > end || self.process.try_wait()?.is_some() {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                bail!("nobody listens on port {port}:\n{log}");
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Programs that refuse to run as root run as somebody without rights, who is given the folder.
pub(crate) fn without_root<'c>(command: &'c mut Command, folder: &Folder) -> Result<&'c mut Command> {
    if !rustix::process::geteuid().is_root() {
        return Ok(command);
    }
    for path in std::iter::once(folder.path().to_owned())
        .chain(fs::read_dir(folder.path())?.flatten().map(|entry| entry.path()))
    {
        std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY))?;
    }
    Ok(command.uid(NOBODY).gid(NOBODY))
}
