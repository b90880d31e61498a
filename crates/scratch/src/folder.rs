//! A folder that goes, with whatever runs inside it, when our process does.

use crate::Error;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Waits for the end of its input, which comes when our process is gone in whatever way; then ends what
/// has its working directory in the folder `$1`, stopped processes included, and removes the folder.
const WATCH: &str = r#"
trap '' INT TERM HUP
keep=
while read -r word; do keep=$word; done
inside() { find /proc/[0-9]* -maxdepth 1 -name cwd \( -lname "$1" -o -lname "$1/*" \) 2>/dev/null | cut -d/ -f3; }
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    found=$(inside "$1")
    [ -n "$found" ] || break
    kill -CONT $found 2>/dev/null
    if [ "$round" -lt 15 ]; then kill -QUIT $found 2>/dev/null; else kill -KILL $found 2>/dev/null; fi
    sleep 0.1
done
[ -n "$keep" ] || rm -rf -- "$1"
"#;

/// The file system in memory that Linux offers every program (shm_overview(7)).
const MEMORY: &str = "/dev/shm";
/// Bytes that must be free there: a container's few megabytes would not do.
const PLENTY: u64 = 4 << 30;

/// A scratch folder, open to its owner only. Dropping it removes it; so does the end of our process,
/// SIGKILL included: then every process whose working directory is inside it is ended first.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    keep: bool,
    watch: Child,
    lifeline: Option<ChildStdin>,
}

impl Folder {
    /// Makes one, its name beginning with `prefix`: under TMPDIR where that is set, else in memory where
    /// there is plenty of it (a server's thousand small files are made many times quicker there), else in
    /// the system's temporary folder.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be made or watched.
    pub fn new(prefix: &str) -> Result<Self, Error> {
        let parent = parent();
        let made = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(&parent)
            .map_err(Error::io("cannot make a folder in", &parent))?;
        let path = made.path().canonicalize().map_err(Error::io("cannot resolve", made.path()))?;
        let mut watch = Command::new("/bin/sh")
            .args(["-c", WATCH, "scratch-folder-watch"])
            .arg(&path)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::io("cannot watch over", &path))?;
        let lifeline = watch.stdin.take();
        let _ = made.keep();
        Ok(Self { path, keep: false, watch, lifeline })
    }

    /// Where it is: absolute, without symbolic links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// From now on the folder stays when we go; what runs in it still ends.
    pub fn keep(&mut self) {
        self.keep = true;
        if let Some(lifeline) = &mut self.lifeline {
            let _ = lifeline.write_all(b"keep\n");
        }
    }
}

/// The folder that scratch folders are made in.
#[must_use]
pub fn parent() -> PathBuf {
    let free = rustix::fs::statvfs(MEMORY).map_or(0, |told| told.f_bavail * told.f_frsize);
    let named = std::env::var_os("TMPDIR").is_some();
    if free < PLENTY || named { std::env::temp_dir() } else { PathBuf::from(MEMORY) }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_dir_all(&self.path);
        }
        self.lifeline = None;
        let _ = self.watch.wait();
    }
}
