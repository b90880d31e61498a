//! The one door: statements are described and run through it.

use crate::cache::{Cache, Key};
use crate::described::{Described, Open};
use crate::error;
use crate::facts::{Begun, Learnt};
use crate::home::Home;
use crate::legs::Stores;
use crate::prepare::Prepared;
use crate::reading::Reading;
use crate::run::Run;
use crate::{Asker, Limits, Readers, Values};
use model::Directory;
use pool::Pools;
use std::sync::Arc;
use wire::Fields;

/// Describes and runs statements over everybody's stores.
pub struct Fanout {
    pub(crate) pools: Arc<Pools>,
    pub(crate) stores: Arc<Stores>,
    pub(crate) limits: Limits,
    pub(crate) cache: Cache,
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
        let stores = Stores::new(directory, Arc::clone(&pools), readers, limits.gate_bytes);
        Arc::new(Self { pools, stores, limits, cache: Cache::default() })
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
        let mut home = Box::pin(Home::of(&self.pools, asker)).await?;
        let described = Box::pin(self.describe_on(&mut home, asker, text, parameter_types));
        match in_time(asker, described).await? {
            Ok((mut described, begun)) => {
                described.open = Open::of(asker.session, home, begun);
                let described = Arc::new(described);
                described.close_soon();
                Ok(described)
            }
            Err(error) => {
                home.finish().await;
                Err(error)
            }
        }
    }

    async fn describe_on(
        &self,
        home: &mut Home,
        asker: &Asker,
        text: &str,
        types: &[u32],
    ) -> Result<(Described, Begun), Box<Fields>> {
        let key = Key {
            service: asker.service,
            fingerprint: asker.fingerprint,
            text: text.to_owned(),
            types: types.to_vec(),
        };
        let (begun, prepared) = self.prepare(home, asker, &key, None).await?;
        prepared.plan(home, &self.stores, asker, false).await?;
        let (parameters, columns) = (prepared.parameters.clone(), prepared.columns.clone());
        let open = Open::default();
        Ok((Described { text: text.to_owned(), parameters, columns, key, prepared, open }, begun))
    }

    /// Begins a statement's transaction on home and has the statement prepared there. `known`, which it was
    /// before, is used again if home's catalog is what it was.
    async fn prepare(
        &self,
        home: &mut Home,
        asker: &Asker,
        key: &Key,
        known: Option<Arc<Prepared>>,
    ) -> Result<(Begun, Arc<Prepared>), Box<Fields>> {
        if let Some(known) = self.cache.get(key).or(known) {
            let ahead = known.known_plan(asker);
            let like = ahead.as_ref().map(|ahead| &ahead.like);
            let Learnt { facts, catalog, found } = match home.learn(&known.lookup(), like, &self.stores).await
            {
                Ok(learnt) => learnt,
                Err(error) => return Err(home.better(error, &key.text, &key.types).await),
            };
            if catalog == known.catalog {
                return Ok((Begun { facts, found: ahead.zip(found) }, known));
            }
            self.cache.forget(key);
            home.run("ROLLBACK").await?;
        }
        let reading = Reading::of(home, &key.text, &key.types).await?;
        let Learnt { facts, catalog, .. } = match home.learn(&reading.lookup(), None, &self.stores).await {
            Ok(learnt) => learnt,
            Err(error) => return Err(home.better(error, &key.text, &key.types).await),
        };
        let prepared = Prepared::of(home, &key.text, &key.types, reading, catalog).await?;
        let prepared = Arc::new(prepared);
        self.cache.put(key.clone(), Arc::clone(&prepared));
        Ok((Begun { facts, found: None }, prepared))
    }

    /// Begins a described statement's transaction: that which it was described in, or one of its own. The error is
    /// that there is no home to begin it on; the inner one, home's.
    pub(crate) async fn begin(
        &self,
        asker: &Asker,
        described: &Described,
    ) -> Result<(Home, Result<(Begun, Arc<Prepared>), Box<Fields>>), Box<Fields>> {
        if let Some((home, begun)) = described.take_open(asker) {
            return Ok((home, Ok((begun, Arc::clone(&described.prepared)))));
        }
        let mut home = Home::of(&self.pools, asker).await?;
        let known = Some(Arc::clone(&described.prepared));
        let begun = in_time(asker, self.prepare(&mut home, asker, &described.key, known)).await?;
        Ok((home, begun))
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
        let home = Box::pin(Home::of(&self.pools, asker)).await?;
        let reported = home.reported();
        home.finish().await;
        Ok(reported)
    }
}

/// Waits for home no longer than a statement waits for its stores.
async fn in_time<T>(asker: &Asker, asked: impl Future<Output = T>) -> Result<T, Box<Fields>> {
    let limit = asker.settings.deadline;
    tokio::time::timeout(limit, asked).await.map_err(|_| error::home_late(&asker.home.label, limit))
}
