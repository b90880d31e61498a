//! Secrets of a command: from a prompt, standard input or a file, never from the command line.

use super::Failure;
use secrecy::SecretString;
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// No secret is longer than this, in bytes, with room for a line end.
const MAX_SECRET_BYTES: u64 = 4098;

/// Where a secret that somebody else chose is read from.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct GivenSecret {
    /// Read the secret from standard input, up to its end
    #[arg(long, conflicts_with = "secret_file")]
    secret_stdin: bool,
    /// Read the secret from a file
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// Where a new secret comes from.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct NewSecret {
    #[command(flatten)]
    given: GivenSecret,
    /// Make a random secret and print it, alone, on standard output
    #[arg(long, conflicts_with_all = ["secret_stdin", "secret_file"])]
    generate: bool,
}

impl GivenSecret {
    /// Whether a source was named, so that nobody needs to be asked.
    pub(crate) fn is_named(&self) -> bool {
        self.secret_stdin || self.secret_file.is_some()
    }

    /// Reads the secret, or asks for it on the terminal.
    ///
    /// # Errors
    /// When there is no terminal, or the secret is empty or cannot be read.
    pub(crate) fn read(&self, whose: &str) -> Result<SecretString, Failure> {
        if self.secret_stdin {
            return tidy(&read_all(std::io::stdin().lock(), "standard input")?, "standard input");
        }
        match &self.secret_file {
            Some(path) => from_file(path),
            None => tidy(&ask(&format!("Secret of {whose}: "))?, "the terminal"),
        }
    }
}

impl NewSecret {
    /// Reads, asks for (twice) or makes the secret. The second value is true when it was made, and is then
    /// to be printed once it is in force.
    ///
    /// # Errors
    /// As [`GivenSecret::read`].
    pub(crate) fn read(&self, whose: &str) -> Result<(SecretString, bool), Failure> {
        if self.generate {
            return Ok((registry::scram::fresh_secret()?, true));
        }
        if self.given.is_named() {
            return Ok((self.given.read(whose)?, false));
        }
        let first = ask(&format!("New secret of {whose}: "))?;
        let again = ask("The same again: ")?;
        if *first != *again {
            return Err(Failure::usage("the two are not the same; nothing was changed"));
        }
        Ok((tidy(&first, "the terminal")?, false))
    }
}

/// Reads a secret from a file.
///
/// # Errors
/// When it cannot be read or is empty.
pub(crate) fn from_file(path: &Path) -> Result<SecretString, Failure> {
    let place = path.display().to_string();
    let file = std::fs::File::open(path).map_err(|error| Failure::from(error).at(&place))?;
    tidy(&read_all(file, &place)?, &place)
}

fn read_all(source: impl std::io::Read, place: &str) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(8192));
    source
        .take(MAX_SECRET_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| Failure::from(error).at(place))?;
    Ok(text)
}

fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "there is no terminal to ask for the secret: give --secret-stdin or --secret-file FILE",
        ));
    }
    Ok(Zeroizing::new(rpassword::prompt_password(prompt)?))
}

/// Takes the line end off that files and pipes end with.
fn tidy(text: &str, place: &str) -> Result<SecretString, Failure> {
    let trimmed = text.strip_suffix('\n').unwrap_or(text);
    let trimmed = trimmed.strip_suffix('\r').unwrap_or(trimmed);
    if trimmed.is_empty() {
        return Err(Failure::usage(format!("the secret on {place} is empty")));
    }
    Ok(SecretString::from(trimmed))
}
