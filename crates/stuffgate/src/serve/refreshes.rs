//! The chore that keeps materialised answers fresh: one refresh at a time, those that are due for longest first.

use super::credentials::Opener;
use super::now;
use crate::materialize::{Refresher, Stop};
use registry::{Materialized, Registry};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Between two looks at what is due.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What a claim is longer than the longest refresh, in seconds.
const CLAIM_SLACK_S: u64 = 60;

/// What is kept, as it was at the last look, for whoever asks.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Arc<[Materialized]>>>);

impl Kept {
    /// All of it, by name.
    pub(crate) fn all(&self) -> Arc<[Materialized]> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, all: Vec<Materialized>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = all.into();
    }
}

/// The registry's file, opened anew for each thing that is done: another may lie there by now, under another key.
struct Books {
    path: PathBuf,
    opener: Arc<Opener>,
}

impl Books {
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Registry) -> registry::Result<T> + Send + 'static,
    ) -> registry::Result<T> {
        let (path, kek) = (self.path.clone(), self.opener.kek());
        let done = tokio::task::spawn_blocking(move || work(&mut Registry::open(&path, kek)?)).await;
        done.unwrap_or(Err(registry::Error::System("a thread")))
    }
}

/// Refreshes what is due, until dropped. What is under way then is rolled back, and due again when its claim ends.
pub(crate) async fn keep_fresh(refresher: Refresher, path: PathBuf, opener: Arc<Opener>, kept: Kept) {
    let books = Books { path, opener };
    let mut look = interval(LOOK_INTERVAL);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        look.tick().await;
        let went = Box::pin(look_once(&refresher, &books, &kept)).await;
        if let Err(error) = &went
            && !failing
        {
            tracing::warn!(%error, "what is materialised cannot be read or noted");
        }
        failing = went.is_err();
    }
}

async fn look_once(refresher: &Refresher, books: &Books, kept: &Kept) -> registry::Result<()> {
    let claim_s = i64::try_from(refresher.timeout().as_secs() + CLAIM_SLACK_S).unwrap_or(i64::MAX);
    let look = move |registry: &mut Registry| {
        Ok((registry.claim_refresh(now(), claim_s)?, registry.all_materialized()?))
    };
    loop {
        let (claimed, all) = books.with(look).await?;
        kept.put(all);
        let Some(claimed) = claimed else { return Ok(()) };
        let claim = claimed.clone();
        let still = async || is_wanted(books, claim).await;
        let ended = refresher.refresh(&claimed, still).await;
        told(&claimed, &ended);
        let ended = ended.map_err(|stop| stop.to_string());
        books.with(move |registry| registry.note_refresh(&claimed, &ended, now())).await?;
    }
}

/// Whether what was claimed is still defined as it was.
async fn is_wanted(books: &Books, claimed: Materialized) -> bool {
    let name = claimed.definition.name.clone();
    let found = books.with(move |registry| registry.materialized(&name)).await;
    found.is_ok_and(|found| found.id == claimed.id && found.definition == claimed.definition)
}

fn told(claimed: &Materialized, ended: &Result<registry::Kept, Stop>) {
    let (name, service) = (&claimed.definition.name, &claimed.definition.service);
    let outcome = if ended.is_ok() { "done" } else { "failed" };
    metrics::counter!("stuffgate_materialized_refreshes_total", "outcome" => outcome).increment(1);
    match ended {
        Ok(kept) => {
            let registry::Kept { asked, ok, rows, .. } = kept;
            tracing::info!(%name, %service, rows, asked, ok, "an answer was refreshed");
        }
        Err(error) => {
            tracing::warn!(%name, %service, %error, "an answer could not be refreshed: the old one is kept");
        }
    }
}
