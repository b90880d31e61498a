//! One client's program: run everywhere, compared, and checked against its row.

use super::compare::{Compared, between_users, compare, failed_on_plain};
use super::documents::{self, Row};
use super::process;
use super::transcript::Transcript;
use crate::differences::{DIFFERENCES, Difference};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;
use stuffgate_tests::{Target, Targets};

/// Longest run of a program, unless its test says otherwise.
const LIMIT: Duration = Duration::from_secs(100);
/// Bytes of the end of the gate's log that a failure shows.
const LOG_SHOWN: usize = 3_000;
/// What a program left in its partition, looked up past the gate: tables and how many rows they have.
const LEFT: &str = "SELECT relname || ' ' || (xpath('/row/n/text()', query_to_xml(\
                    format('SELECT count(*) AS n FROM %s', oid::regclass), false, true, '')))[1] \
                    FROM pg_class WHERE relnamespace = current_schema()::regnamespace \
                    AND relkind IN ('r', 'p') ORDER BY relname COLLATE \"C\"";

/// A client's program and what is expected of it.
pub(crate) struct Driver {
    test: &'static str,
    program: PathBuf,
    arguments: Vec<OsString>,
    cases: usize,
    limit: Duration,
    pinned: bool,
    bare: bool,
    pair: bool,
    home: Option<&'static str>,
    clocked: &'static [&'static str],
    looks: Option<&'static str>,
}

impl Driver {
    /// The program that `test` runs: a file of tests/drivers, given to an interpreter.
    pub(crate) fn new(test: &'static str, interpreter: impl Into<PathBuf>, file: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers").join(file);
        Self::program(test, interpreter).arguments([file])
    }

    /// A program that `test` runs as it is.
    pub(crate) fn program(test: &'static str, program: impl Into<PathBuf>) -> Self {
        Self {
            test,
            program: program.into(),
            arguments: Vec::new(),
            cases: 1,
            limit: LIMIT,
            pinned: true,
            bare: false,
            pair: false,
            home: None,
            clocked: &[],
            looks: None,
        }
    }

    /// The least number of cases that it must print.
    pub(crate) fn cases(mut self, cases: usize) -> Self {
        self.cases = cases;
        self
    }

    /// Its arguments, where the file alone does not do.
    pub(crate) fn arguments<S: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// Its version is whatever the system has, so its row does not name one.
    pub(crate) fn of_the_system(mut self) -> Self {
        self.pinned = false;
        self
    }

    /// Longest run, where the usual one does not do.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it where nobody has declared extensions, whose members would be in its listings.
    pub(crate) fn without_extensions(mut self) -> Self {
        self.bare = true;
        self
    }

    /// Runs it for each target's first user only, and tells it where the second one's database is: by the
    /// usual variables with `OTHER_` before them.
    pub(crate) fn in_pairs(mut self) -> Self {
        self.pair = true;
        self
    }

    /// Tells it where the service's home is, in HOME_URL. The superuser runs `script` there beforehand.
    pub(crate) fn with_home(mut self, script: &'static str) -> Self {
        self.home = Some(script);
        self
    }

    /// Tables whose rows come and go by the clock: how many they have is not compared.
    pub(crate) fn by_the_clock(mut self, tables: &'static [&'static str]) -> Self {
        self.clocked = tables;
        self
    }

    /// Further queries for the case `left`, past the gate. `{login}` in them is whom the run was for.
    pub(crate) fn also_left(mut self, script: &'static str) -> Self {
        self.looks = Some(script);
        self
    }

    /// Runs it at every target, compares, and checks its row.
    pub(crate) fn run(self) {
        let mut targets = if self.bare { Targets::bare() } else { Targets::start() };
        if let Some(script) = self.home {
            let _ = targets.world().home(script);
        }
        let plain = self.one(&mut targets, Target::Plain);
        let both = self.through_the_gate(&mut targets);
        let home =
            targets.world().home("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace");
        assert_eq!(home, "0\n", "something of a user's is in the service's home");

        let allowed: Vec<&Difference> =
            DIFFERENCES.iter().filter(|difference| difference.test == self.test).collect();
        for difference in &allowed {
            assert!(
                !plain.seen(difference.case).is_empty(),
                "listed case {} does not occur",
                difference.case
            );
        }
        let count = plain.names().count();
        assert!(count >= self.cases, "{count} cases, {} are expected", self.cases);
        let mut wrong = failed_on_plain(&plain, &allowed);
        let [schema, database] = both.map(|(target, first, second)| {
            let compared = compare(target, &plain, &first, &allowed);
            wrong += &compared.wrong;
            wrong += &second.map_or_else(String::new, |second| between_users(target, &first, &second));
            compared
        });
        assert!(wrong.is_empty(), "{}:\n{wrong}(kept in {})", self.test, self.kept().display());
        documents::check(&self.row(&plain, [&schema, &database], &allowed));
    }

    /// Runs it for both users of both kinds of partition at once; in pairs, for the first ones in turn.
    fn through_the_gate(&self, targets: &mut Targets) -> [(Target, Transcript, Option<Transcript>); 2] {
        if self.pair {
            return Target::OF_THE_GATE.map(|target| (target, self.one(targets, target), None));
        }
        let all = Target::OF_THE_GATE.iter().flat_map(|of| of.logins().iter().map(|login| (*of, *login)));
        let runs: Vec<_> =
            all.map(|(target, login)| (target, login, self.command(targets, target, login))).collect();
        let ended: Vec<_> = thread::scope(|scope| {
            let start = |(target, login, command)| {
                let kept = self.kept_of(login);
                (target, login, scope.spawn(move || process::run(command, self.limit, &kept)))
            };
            let running: Vec<_> = runs.into_iter().map(start).collect();
            running.into_iter().map(|(target, login, run)| (target, login, run.join().unwrap())).collect()
        });
        let mut read = ended
            .into_iter()
            .map(|(target, login, ended)| self.read(targets, target, login, ended))
            .collect::<Vec<_>>()
            .into_iter();
        Target::OF_THE_GATE.map(|target| (target, read.next().unwrap(), read.next()))
    }

    fn one(&self, targets: &mut Targets, target: Target) -> Transcript {
        let login = target.logins()[0];
        let command = self.command(targets, target, login);
        let ended = process::run(command, self.limit, &self.kept_of(login));
        self.read(targets, target, login, ended)
    }

    /// The transcript of a run, with what it left in the partition as one more case.
    fn read(
        &self,
        targets: &mut Targets,
        target: Target,
        login: &str,
        ended: Result<String, String>,
    ) -> Transcript {
        let read = ended.and_then(|printed| Transcript::read(&printed));
        let mut transcript = read.unwrap_or_else(|told| {
            let log = targets.world().gate.log();
            let from = log.len().saturating_sub(LOG_SHOWN);
            let log = String::from_utf8_lossy(&log.as_bytes()[from..]);
            panic!("{}, {} as {login}: {told}\nthe gate:\n{log}", self.test, target.word());
        });
        let left = targets.direct(target, login, LEFT);
        let clocked = |line: &&str| self.clocked.contains(&line.split(' ').next().unwrap_or_default());
        let left = left.lines().filter(|line| !clocked(line)).chain(left.is_empty().then_some("nothing"));
        left.for_each(|table| transcript.add("left", table));
        if let Some(script) = self.looks {
            let rows = targets.direct(target, login, &script.replace("{login}", login));
            rows.lines().for_each(|row| transcript.add("left", row));
        }
        transcript
    }

    fn command(&self, targets: &mut Targets, target: Target, login: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("PG") || text.starts_with("STUFFGATE") || text.starts_with("CARGO") {
                command.env_remove(name);
            }
        }
        command.envs(targets.environment(target, login));
        if self.pair {
            let other = targets.environment(target, target.logins()[1]);
            command.envs(other.map(|(name, value)| (format!("OTHER_{name}"), value)));
        }
        if self.home.is_some() {
            command.env("HOME_URL", targets.world().store_admin_url("home"));
        }
        command
    }

    fn row(&self, plain: &Transcript, [schema, database]: [&Compared; 2], allowed: &[&Difference]) -> Row {
        let of = |compared: &Compared| format!("{} of {}", compared.equal, compared.all);
        Row {
            test: self.test.to_owned(),
            client: plain.client.clone(),
            version: if self.pinned { plain.version.clone() } else { "the system's".to_owned() },
            schema: of(schema),
            database: of(database),
            why: documents::why(allowed),
        }
    }

    /// The folder that keeps what was printed.
    fn kept(&self) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("drivers").join(self.test);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn kept_of(&self, login: &str) -> PathBuf {
        self.kept().join(login)
    }
}
