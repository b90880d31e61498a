//! `stuffgate serve`.

use crate::config::Config;

pub(crate) fn run(config: Config) -> anyhow::Result<()> {
    anyhow::bail!("{}: this build has no gate", config.source.display())
}
