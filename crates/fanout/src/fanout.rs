//! The one door: statements are described and run through it.

use crate::described::Described;
use crate::home::Home;
use crate::run::Run;
use crate::{Asker, Limits, Readers, Values};
use model::Directory;
use pool::Pools;
use std::sync::Arc;
use wire::Fields;

/// Describes and runs statements over everybody's stores.
pub struct Fanout {
    pub(crate) directory: Arc<Directory>,
    pub(crate) pools: Arc<Pools>,
    pub(crate) readers: Arc<dyn Readers>,
    pub(crate) limits: Limits,
}

impl std::fmt::Debug for Fanout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fanout").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Fanout {
    /// Over the grants that `directory` knows, by the roles that `readers` finds.
    #[must_use]
    pub fn new(
        directory: Arc<Directory>,
        pools: Arc<Pools>,
        readers: Arc<dyn Readers>,
        limits: Limits,
    ) -> Arc<Self> {
        Arc::new(Self { directory, pools, readers, limits })
    }

    /// The operator's bounds.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What a statement takes and returns, as home judges it. `parameter_types` are the client's, 0 or
    /// missing where home is to find out.
    ///
    /// # Errors
    /// Home's own about the text, untouched; the planner's, if nothing can answer it; or why home cannot be
    /// asked.
    pub async fn describe(
        &self,
        asker: &Asker,
        text: &str,
        parameter_types: &[u32],
    ) -> Result<Arc<Described>, Box<Fields>> {
        let mut home = Home::of(&self.pools, asker).await?;
        let described = home.describe(text, parameter_types).await?;
        home.finish().await;
        Ok(Arc::new(described))
    }

    /// Runs what was described. The work is a task of its own, which ends with the returned [`Run`].
    #[must_use]
    pub fn run(self: &Arc<Self>, asker: Asker, described: Arc<Described>, values: Values) -> Run {
        Run::start(Arc::clone(self), asker, described, values)
    }

    /// Has home try the asker's parameters.
    ///
    /// # Errors
    /// Home's, if it refuses one; or why home cannot be asked.
    pub async fn check_settings(&self, asker: &Asker) -> Result<Vec<(String, String)>, Box<Fields>> {
        let home = Home::of(&self.pools, asker).await?;
        let reported = home.reported();
        home.finish().await;
        Ok(reported)
    }
}
