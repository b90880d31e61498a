//! One Postgres server: started, stopped, paused and ended.

use crate::account::percent;
use crate::port::{PORT_TRIES, free_port};
use crate::process::{children_of, freeze, outlive, pid_of, signal, wait_for};
use crate::run_as::RunAs;
use crate::template::{self, write};
use crate::{Account, Binaries, Error, Folder, HOST, Options, SUPERUSER};
use rustix::process::Signal;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Bytes of the end of the log that an error shows.
const LOG_SHOWN: usize = 4_000;

/// How a server is told to stop (PostgreSQL manual, "Shutting Down the Server").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Ends every session, then stops in order.
    Fast,
    /// Stops without order; recovers at the next start.
    Immediate,
    /// Kills every process of it, as a power cut would.
    Kill,
}

/// A running (or stopped) server. Dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct Server {
    binaries: Binaries,
    run_as: RunAs,
    options: Options,
    superuser_password: String,
    port: u16,
    process: Option<Child>,
    kept: bool,
    folder: Folder,
}

impl Server {
    /// Makes and starts a server; returns once it takes connections.
    ///
    /// # Errors
    /// [`Error::Program`] with the end of the server's log when it does not come up within 30 s.
    pub fn start(binaries: &Binaries, options: Options) -> Result<Self, Error> {
        let run_as = RunAs::detect();
        let folder = Folder::new("stuffgate-pg-")?;
        run_as.give(folder.path())?;
        let superuser_password = template::lay(binaries, run_as, folder.path())?;
        let mut server = Self {
            binaries: binaries.clone(),
            run_as,
            superuser_password,
            port: 0,
            process: None,
            kept: false,
            folder,
            options,
        };
        server.place_files()?;
        server.start_on_a_free_port()?;
        if let Some(wanted) = server.options.superuser_password.clone() {
            let literal = wanted.replace('\'', "''");
            server.sql("postgres", &format!("ALTER ROLE {SUPERUSER} PASSWORD '{literal}'"))?;
            server.superuser_password = wanted;
        }
        Ok(server)
    }

    /// The port on [`HOST`]; stays the same when stopped and started again.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder with its data and log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// From now on its folder stays when it goes.
    pub fn keep(&mut self) {
        self.kept = true;
        self.folder.keep();
    }

    /// Process id of the server's first process; `None` while stopped.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// The programs it was started with.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// URL of the superuser for `database`, secret included.
    #[must_use]
    pub fn superuser_url(&self, database: &str) -> String {
        let secret = percent(&self.superuser_password);
        format!("postgres://{SUPERUSER}:{secret}@{HOST}:{}/{}", self.port, percent(database))
    }

    /// What the server has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Makes roles with databases of their own, in one go.
    ///
    /// # Errors
    /// [`Error::Program`] with what the server said.
    pub fn create(&self, accounts: &[Account]) -> Result<(), Error> {
        let script: String = accounts.iter().map(Account::sql).collect();
        self.sql("postgres", &script).map(drop)
    }

    /// Runs SQL as the superuser through psql, statement by statement, and returns the rows
    /// (unaligned, `|` between columns, no headings). The first error ends it.
    ///
    /// # Errors
    /// [`Error::Program`] with what the server said.
    pub fn sql(&self, database: &str, script: &str) -> Result<String, Error> {
        let psql = self.binaries.program("psql");
        let mut child = RunAs::ourselves()
            .command(&psql, self.folder.path())
            .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-h", HOST, "-U", SUPERUSER, "-d", database, "-f", "-"])
            .args(["-p", &self.port.to_string()])
            .env("PGPASSWORD", &self.superuser_password)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Error::io("cannot run", &psql))?;
        if let Some(mut input) = child.stdin.take() {
            let _ = input.write_all(script.as_bytes());
        }
        let ended = child.wait_with_output().map_err(Error::io("cannot run", &psql))?;
        if ended.status.success() {
            return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
        }
        Err(Error::Program { program: "psql", said: String::from_utf8_lossy(&ended.stderr).into_owned() })
    }

    /// Stops it and waits until it is gone. Data, port and passwords stay.
    ///
    /// # Errors
    /// [`Error::Program`] when it had to be killed after 30 s.
    pub fn stop(&mut self, how: Stop) -> Result<(), Error> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        if let Some(first) = pid_of(process.id()) {
            match how {
                Stop::Fast => signal(first, Signal::INT),
                Stop::Immediate => signal(first, Signal::QUIT),
                Stop::Kill => {
                    let backends = children_of(first);
                    signal(first, Signal::KILL);
                    backends.iter().for_each(|pid| signal(*pid, Signal::KILL));
                    // While one lives, so does the memory that they share, and no server starts again.
                    backends.into_iter().for_each(outlive);
                }
            }
        }
        let in_time = wait_for(|| !matches!(process.try_wait(), Ok(None)));
        if !in_time {
            let _ = process.kill();
            let _ = process.wait();
            return Err(self.failed("postgres (stopping)"));
        }
        Ok(())
    }

    /// Starts a stopped server again, on the same port.
    ///
    /// # Errors
    /// [`Error::Program`] with the end of its log when it does not come up within 30 s.
    pub fn start_again(&mut self) -> Result<(), Error> {
        if self.process.is_some() {
            return Ok(());
        }
        if self.launch()? { Ok(()) } else { Err(self.failed("postgres")) }
    }

    /// Starts a stopped server again on another port, which leaves its old one to something else.
    ///
    /// # Errors
    /// As [`Server::start_again`].
    pub fn start_elsewhere(&mut self) -> Result<(), Error> {
        self.start_on_a_free_port()
    }

    /// Freezes every process of it and returns once all stand still: connections stay open, nothing answers.
    pub fn pause(&self) {
        let Some(first) = self.pid().and_then(pid_of) else { return };
        freeze(first);
        children_of(first).into_iter().for_each(freeze);
    }

    /// Lets a paused server go on.
    pub fn resume(&self) {
        let Some(first) = self.pid().and_then(pid_of) else { return };
        children_of(first).into_iter().for_each(|pid| signal(pid, Signal::CONT));
        signal(first, Signal::CONT);
    }

    fn place_files(&self) -> Result<(), Error> {
        let hba = self.options.hba();
        let files = self.options.tls_files().chain([("pg_hba.conf", hba.as_str())]);
        for (name, text) in files {
            let path = self.folder.path().join("data").join(name);
            write(&path, text)?;
            self.run_as.give(&path)?;
        }
        Ok(())
    }

    fn start_on_a_free_port(&mut self) -> Result<(), Error> {
        for _ in 0..PORT_TRIES {
            self.port = free_port();
            if self.launch()? {
                return Ok(());
            }
            if !self.log().contains("Address already in use") {
                break;
            }
        }
        Err(self.failed("postgres"))
    }

    /// Starts the process and waits until it is ready; `false` when it ended instead.
    fn launch(&mut self) -> Result<bool, Error> {
        let conf = self.folder.path().join("data/postgresql.conf");
        write(&conf, &self.options.conf(self.port))?;
        self.run_as.give(&conf)?;
        let log_path = self.log_path();
        let log = || {
            fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(&log_path)
                .map_err(Error::io("cannot write", &log_path))
        };
        let program = self.binaries.program("postgres");
        let mut process = self
            .run_as
            .command(&program, self.folder.path())
            .args(["-D", "data"])
            .stdin(Stdio::null())
            .stdout(log()?)
            .stderr(log()?)
            .spawn()
            .map_err(Error::io("cannot run", &program))?;
        let mut ended = false;
        let in_time = wait_for(|| {
            ended = !matches!(process.try_wait(), Ok(None));
            ended || self.is_ready(process.id())
        });
        if ended {
            return Ok(false);
        }
        self.process = Some(process);
        if in_time { Ok(true) } else { Err(self.failed("postgres")) }
    }

    /// Whether the lock file says that `pid` takes connections: its first line is the process id, its
    /// eighth the state.
    fn is_ready(&self, pid: u32) -> bool {
        let lock = fs::read_to_string(self.lock_path()).unwrap_or_default();
        let mut lines = lock.lines();
        lines.next().and_then(|line| line.trim().parse().ok()) == Some(pid)
            && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }

    fn failed(&self, program: &'static str) -> Error {
        let log = self.log();
        let from = (log.len().saturating_sub(LOG_SHOWN)..=log.len()).find(|at| log.is_char_boundary(*at));
        Error::Program { program, said: log[from.unwrap_or_default()..].to_owned() }
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn lock_path(&self) -> PathBuf {
        self.folder.path().join("data/postmaster.pid")
    }

    /// A server that was killed leaves the shared memory segment by which Postgres tells whether a data
    /// folder is in use; the lock file's seventh line names it.
    fn remove_shared_memory(&self) {
        let lock = fs::read_to_string(self.lock_path()).unwrap_or_default();
        let segment = lock.lines().nth(6).and_then(|line| line.split_whitespace().nth(1));
        if let Some(segment) = segment {
            let quiet = Stdio::null;
            let _ = Command::new("ipcrm").args(["-m", segment]).stdout(quiet()).stderr(quiet()).status();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.resume();
        let _ = self.stop(if self.kept { Stop::Fast } else { Stop::Immediate });
        self.remove_shared_memory();
    }
}
