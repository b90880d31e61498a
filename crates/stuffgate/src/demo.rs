//! `stuffgate demo`.

use crate::cli::demo::DemoArgs;

pub(crate) fn run(args: DemoArgs) -> anyhow::Result<()> {
    anyhow::bail!("this build has no demo of {} stores", args.stores)
}
