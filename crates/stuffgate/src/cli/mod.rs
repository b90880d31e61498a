//! The command line: what each command takes, and how it ends.

mod apply;
mod by_hand;
mod check;
mod completions;
mod failure;
mod gate;
mod grant;
mod grants;
mod init;
mod key;
mod login;
mod materialize;
mod output;
mod query;
mod revoke;
mod secret;
mod serve;
mod service;
mod store;
mod time;
mod trial;
mod url;
mod user;

pub(crate) mod demo;

pub(crate) use check::warnings;
pub(crate) use failure::{Exit, Failure};
pub(crate) use gate::kek;

use clap::{Parser, Subcommand};
use gate::ConfigPath;
use std::process::ExitCode;

/// A Postgres proxy that gives each user's rows a home in that user's own store.
#[derive(Debug, Parser)]
#[command(name = "stuffgate", version, propagate_version = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    config: ConfigPath,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  stuffgate init gate && cd gate          a configuration, a registry and a key
  stuffgate service add todo              a service
  stuffgate user add alice                a user, with a login of the same name
  stuffgate store add alice postgres://owner@db.example.org/stuff
  stuffgate grant alice todo              a partition for todo in alice's store
  stuffgate serve                         the gate, at postgres://alice@localhost:6432/todo

Exit codes:
  0  done
  1  failed: a file, the key, the registry or the configuration
  2  wrong command line
  3  no such user, service, login, store or grant
  4  conflict: what is there forbids it
  5  a store cannot be reached, or does not let the gate do its work
  6  a query was answered, but not by all stores";

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a folder with a configuration, a registry and a key
    Init(init::Init),
    /// Say whether configuration, key and registry are fit for use
    Check(check::Check),
    /// Run the gate
    Serve(serve::Serve),
    /// Run a gate with throw-away stores, to look around
    Demo(demo::DemoArgs),
    /// Services: applications that use the gate
    #[command(subcommand)]
    Service(service::Service),
    /// Users: the people who own stores
    #[command(subcommand)]
    User(user::User),
    /// Logins: what services, analysts and admins connect with
    #[command(subcommand)]
    Login(login::Login),
    /// Stores: the users' own Postgres databases
    #[command(subcommand)]
    Store(store::Store),
    /// Let a service keep a user's rows in the user's store
    Grant(grant::Grant),
    /// Take a grant back: at once here, and then in the store
    Revoke(revoke::Revoke),
    /// List grants
    Grants(grants::Grants),
    /// Ask all stores of a service, and say which answered
    Query(query::Query),
    /// Keep an answer on home, and make it anew now and then
    Materialize(materialize::Materialize),
    /// Make the registry what a file says; what the file does not name stays
    Apply(apply::Apply),
    /// The key that secrets are sealed with
    #[command(subcommand)]
    Key(key::Key),
    /// Print a completion script for a shell
    Completions(completions::Completions),
}

/// Parses the command line, runs the command, and says what went wrong, if anything did.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    match run_command(cli.command, &cli.config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message().is_empty() {
                eprintln!("stuffgate: {}", failure.message());
            }
            failure.exit().into()
        }
    }
}

fn run_command(command: Command, config: &ConfigPath) -> Result<(), Failure> {
    match command {
        Command::Init(init) => init.run(),
        Command::Check(check) => check.run(config),
        Command::Serve(serve) => serve.run(config),
        Command::Demo(args) => Ok(crate::demo::run(&args)?),
        Command::Service(service) => service.run(config),
        Command::User(user) => user.run(config),
        Command::Login(login) => login.run(config),
        Command::Store(store) => store.run(config),
        Command::Grant(grant) => grant.run(config),
        Command::Revoke(revoke) => revoke.run(config),
        Command::Grants(grants) => grants.run(config),
        Command::Query(query) => query.run(config),
        Command::Materialize(materialize) => materialize.run(config),
        Command::Apply(apply) => apply.run(config),
        Command::Key(key) => key.run(config),
        Command::Completions(completions) => completions.run(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_argument_takes_a_secret() {
        fn arguments(command: &clap::Command, found: &mut Vec<String>) {
            found.extend(command.get_arguments().map(|argument| argument.get_id().to_string()));
            command.get_subcommands().for_each(|command| arguments(command, found));
        }
        let mut found = Vec::new();
        arguments(&Cli::command(), &mut found);
        assert!(found.len() > 30);
        for id in found {
            assert!(!id.contains("password") && id != "secret", "--{id} takes a secret");
        }
    }
}
