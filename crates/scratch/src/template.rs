//! A data folder made once by `initdb` and copied for each server, which is many times quicker.
//!
//! It is kept in Cargo's target folder for programs that run from there; any other program makes one
//! for each server.

use crate::binaries::target_folder;
use crate::run_as::RunAs;
use crate::{Binaries, Error, SUPERUSER};
use std::fs;
use std::io::Read;
use std::path::Path;

/// The file beside `data` that has the superuser's password.
const SECRET: &str = "superuser.secret";

/// Puts a fresh data folder at `scratch/data` and returns the superuser's password.
pub(crate) fn lay(binaries: &Binaries, run_as: RunAs, scratch: &Path) -> Result<String, Error> {
    let Some(target) = target_folder() else {
        return init(binaries, run_as, scratch);
    };
    let kept = target.join(format!("scratch/template-{}", binaries.version()));
    if !kept.join(SECRET).exists() {
        make(binaries, run_as, scratch, &kept)?;
    }
    copy(&kept.join("data"), &scratch.join("data"), run_as)?;
    read(&kept.join(SECRET))
}

/// Makes the template. Several processes may race for it: the first rename wins, the others' work is dropped.
fn make(binaries: &Binaries, run_as: RunAs, scratch: &Path, kept: &Path) -> Result<(), Error> {
    let work = scratch.join("template");
    fs::create_dir(&work).map_err(Error::io("cannot make", &work))?;
    run_as.give(&work)?;
    let secret = init(binaries, run_as, &work)?;
    let shelf = kept.parent().unwrap_or(kept);
    fs::create_dir_all(shelf).map_err(Error::io("cannot make", shelf))?;
    let staged = tempfile::tempdir_in(shelf).map_err(Error::io("cannot make a folder in", shelf))?;
    copy(&work.join("data"), &staged.path().join("data"), RunAs::ourselves())?;
    write(&staged.path().join(SECRET), &secret)?;
    if fs::rename(staged.path(), kept).is_ok() {
        let _ = staged.keep();
    }
    fs::remove_dir_all(&work).map_err(Error::io("cannot remove", &work))
}

/// Runs `initdb` for `folder/data`.
fn init(binaries: &Binaries, run_as: RunAs, folder: &Path) -> Result<String, Error> {
    let secret = random_hex()?;
    let secret_file = folder.join(SECRET);
    write(&secret_file, &secret)?;
    run_as.give(&secret_file)?;
    let initdb = binaries.program("initdb");
    let ended = run_as
        .command(&initdb, folder)
        .args(["-D", "data", "-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", SECRET])
        .args([
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
            "--wal-segsize",
            "1",
            "--no-sync",
            "--no-instructions",
        ])
        .output()
        .map_err(Error::io("cannot run", &initdb))?;
    fs::remove_file(&secret_file).map_err(Error::io("cannot remove", &secret_file))?;
    if ended.status.success() {
        return Ok(secret);
    }
    let said =
        format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    Err(Error::Program { program: "initdb", said })
}

fn copy(from: &Path, to: &Path, run_as: RunAs) -> Result<(), Error> {
    fs::create_dir(to).map_err(Error::io("cannot make", to))?;
    let rights = fs::metadata(from).map_err(Error::io("cannot read", from))?.permissions();
    fs::set_permissions(to, rights).map_err(Error::io("cannot set rights of", to))?;
    run_as.give(to)?;
    for entry in fs::read_dir(from).map_err(Error::io("cannot read", from))? {
        let entry = entry.map_err(Error::io("cannot read", from))?;
        let (old, new) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().map_err(Error::io("cannot read", &old))?.is_dir() {
            copy(&old, &new, run_as)?;
        } else {
            fs::copy(&old, &new).map_err(Error::io("cannot copy", &old))?;
            run_as.give(&new)?;
        }
    }
    Ok(())
}

/// Writes a file that only its owner can read.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(Error::io("cannot write", path))
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::io("cannot read", path))
}

/// Sixteen random bytes in hexadecimal.
fn random_hex() -> Result<String, Error> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; 16];
    fs::File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(Error::io("cannot read", source))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
