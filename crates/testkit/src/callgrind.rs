//! Instructions that the cases of a bench take, counted by valgrind's callgrind and held against figures in the tree.
//!
//! Time is too noisy to notice two percent on a shared machine; instructions are not. A bench hands its
//! [`Case`]s to [`main`], which starts the bench's own program once more under valgrind for each of them,
//! with [`rounds`] saying what is counted. The figures stand beside the bench, in
//! `benches/instructions.<architecture>.toml`; see [`Baseline`] for what may differ.
//!
//! Kept the same on purpose: the toolchain (`rust-toolchain.toml`), the profile `guard` (no link-time
//! optimisation, one codegen unit), an empty environment, warm buffers and caches. What the processor can do
//! hardly shows: `memchr` and glibc ask valgrind's own CPUID, which knows nothing beyond AVX2. (Without AVX2 a
//! thousand rows take 9 % fewer, a prepared transaction of a session 0.6 % more.) What remains is the
//! architecture (a file each), glibc's own code (the allocator, `memcpy`; the file says which version) and, for
//! cases with sockets, hash seeds and the clock, by 0.3 % at most. The allocator is glibc's, not the program's own:
//! that an allocation came or went shows, what it costs in the program does not.
//!
//! Why this and not gungraun: `docs/decisions/instructions-are-counted-without-a-framework.md`.

mod baseline;

pub use baseline::{Baseline, TOLERANCE_PERCENT};

use crate::Error;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::future::poll_fn;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Command, ExitCode};
use std::task::Poll;

/// Rounds before anything is counted, in which buffers and caches get their size.
const WARM_ROUNDS: u32 = 20;

/// Rounds that are counted.
const COUNTED_ROUNDS: u32 = 100;

/// Says that the program is to play one case and nothing else.
const PLAY: &str = "--play";

/// Has the figures written instead of compared.
const WRITE: &str = "STUFFGATE_WRITE_BASELINE";

/// One thing whose instructions are counted.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What it is called, on the screen and in the file.
    pub name: &'static str,
    /// Sets everything up, then calls [`rounds`] once.
    pub play: fn(),
}

/// How often something is to be done, and whether it is counted.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// So often.
    pub count: u32,
    counted: bool,
}

/// Has `play` do its rounds: first a few that are not counted, then those that are.
pub fn rounds(mut play: impl FnMut(Rounds)) {
    play(Rounds::warm(WARM_ROUNDS));
    counted(&mut || play(Rounds { count: COUNTED_ROUNDS, counted: true }));
}

/// Everything below it is counted; callgrind finds it by its name.
#[inline(never)]
fn counted(play: &mut dyn FnMut()) {
    play();
    black_box("counted"); // or the compiler would make one function of this and the next
}

impl Rounds {
    /// Rounds that are not counted.
    #[must_use]
    pub fn warm(count: u32) -> Self {
        Self { count, counted: false }
    }

    /// Runs a future whose own work is not counted: what scripted peers do.
    pub async fn aside<F: Future>(self, peers: F) -> F::Output {
        let mut peers = pin!(peers);
        poll_fn(|cx| {
            let mut polled = Poll::Pending;
            let mut poll = || polled = peers.as_mut().poll(cx);
            // Callgrind would begin to count where it finds `uncounted` before it does.
            if self.counted {
                uncounted(&mut poll);
            } else {
                poll();
            }
            polled
        })
        .await
    }
}

/// Nothing below it is counted; callgrind finds it by its name.
#[inline(never)]
fn uncounted(play: &mut dyn FnMut()) {
    play();
    black_box("uncounted");
}

/// The whole `main` of such a bench; `package` is the folder of its crate.
#[must_use]
pub fn main(package: &str, cases: &[Case]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name] = arguments.as_slice()
        && flag == PLAY
    {
        let case = cases.iter().find(|case| case.name == name);
        return case.map_or(ExitCode::FAILURE, |case| {
            (case.play)();
            ExitCode::SUCCESS
        });
    }
    match guard(Path::new(package), cases) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Counts, and writes or compares; whether all is as it was.
fn guard(package: &Path, cases: &[Case]) -> Result<bool, Error> {
    let file = package.join(format!("benches/instructions.{}.toml", std::env::consts::ARCH));
    let valgrind = valgrind_version()?;
    let tools = format!("{}, {valgrind}", said(Command::new("getconf").arg("GNU_LIBC_VERSION"))?);
    let folder = reports(package)?;
    let mut counts = BTreeMap::new();
    for case in cases {
        counts.insert(case.name.to_owned(), count(case, &folder)?);
    }
    let now = Baseline { made_with: tools, counts };
    if std::env::var_os(WRITE).is_some_and(|value| value == "1") {
        std::fs::write(&file, now.to_text())?;
        println!("{} is written", file.display());
        return Ok(true);
    }
    let text = std::fs::read_to_string(&file).map_err(|error| {
        Error::Unexpected(format!("{}: {error}; {WRITE}=1 writes the file", file.display()))
    })?;
    let verdict = Baseline::from_text(&text)?.compare(&now);
    print!("{verdict}");
    if !verdict.is_good() {
        println!("where they go: callgrind_annotate {}/…", folder.display());
    }
    Ok(verdict.is_good())
}

/// Where callgrind's reports are left for whoever wants to know where the instructions go.
fn reports(package: &Path) -> Result<PathBuf, Error> {
    let own = std::env::current_exe()?;
    let built = own.ancestors().nth(2).unwrap_or(Path::new("."));
    let folder = built.join("callgrind").join(package.file_name().unwrap_or_default());
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Instructions of one round of a case.
fn count(case: &Case, folder: &Path) -> Result<u64, Error> {
    let report = folder.join(case.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    let mut out = OsString::from("--callgrind-out-file=");
    out.push(&report);
    let mut command = Command::new("valgrind");
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .args(["--tool=callgrind", "--quiet", "--vgdb=no"])
        .args([
            "--toggle-collect=testkit::callgrind::counted",
            "--toggle-collect=testkit::callgrind::uncounted",
        ])
        .arg(out)
        .arg(std::env::current_exe()?)
        .args([PLAY, case.name]);
    said(&mut command)?;
    let total = baseline::summary(&std::fs::read_to_string(&report)?)?;
    Ok(total / u64::from(COUNTED_ROUNDS))
}

fn valgrind_version() -> Result<String, Error> {
    said(Command::new("valgrind").arg("--version")).map_err(|error| {
        Error::Unexpected(format!("{error}; valgrind is needed: tests/setup valgrind installs it"))
    })
}

/// What a program says; it has to succeed.
fn said(command: &mut Command) -> Result<String, Error> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| Error::Unexpected(format!("{name}: {error}")))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(Error::Program { command: name, code: output.status.code(), said: text(&output.stderr) })
}
