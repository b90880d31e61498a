//! Who can be asked: the grants of a service, and where each one's partition is read.

use super::budget::GateBudget;
use super::outcome::Fault;
use super::request::PINNED;
use super::scope::{InScope, Scope};
use crate::{Reader, Readers};
use model::{Directory, Grant, GrantId, GrantState, Outcome, ServiceId, StoreState};
use pool::{Key, Place, Pools};
use sql::fanout::Discloses;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Most stores whose places are remembered, over all services: some 1.5 kilobytes each.
const MAX_REMEMBERED_STORES: usize = 64 * 1024;

/// All stores of a gate, as far as fan-outs ask them.
pub struct Stores {
    pub(crate) pools: Arc<Pools>,
    pub(crate) directory: Arc<Directory>,
    readers: Arc<dyn Readers>,
    known: Mutex<HashMap<ServiceId, Known>>,
    keys: (RandomState, RandomState),
    /// What all statements hold.
    pub(crate) budget: Arc<GateBudget>,
}

/// The stores of a service, as of one version of the directory.
#[derive(Clone)]
struct Known {
    version: u64,
    stores: Arc<[InScope]>,
}

impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stores").field("services", &self.lock().len()).finish_non_exhaustive()
    }
}

impl Stores {
    /// Over the grants that `directory` knows, by the roles that `readers` finds; all statements together keep
    /// `gate_bytes` at most.
    #[must_use]
    pub fn new(
        directory: Arc<Directory>,
        pools: Arc<Pools>,
        readers: Arc<dyn Readers>,
        gate_bytes: usize,
    ) -> Arc<Self> {
        Arc::new(Self {
            pools,
            directory,
            readers,
            known: Mutex::default(),
            keys: (RandomState::new(), RandomState::new()),
            budget: GateBudget::of(gate_bytes),
        })
    }

    /// The stores that a statement over `service` asks now: all grants that are pending or active and have not
    /// expired. Cancel-safe.
    pub async fn scope(&self, service: ServiceId, discloses: Discloses) -> Scope {
        // Read before the rows are: what changes in between is seen the next time.
        let version = self.directory.version();
        let known = self.lock().get(&service).cloned();
        let stores = match known {
            Some(known) if known.version == version => known.stores,
            before => {
                let before = before.map_or_else(|| Vec::new().into(), |known| known.stores);
                let stores = self.look_up(service, &before).await;
                self.remember(service, Known { version, stores: Arc::clone(&stores) });
                stores
            }
        };
        let now = now();
        let is_live = |store: &InScope| store.expires_at.is_none_or(|end| now < end);
        if stores.iter().all(is_live) {
            return Scope::new(stores, discloses);
        }
        Scope::new(stores.iter().filter(|store| is_live(store)).cloned().collect(), discloses)
    }

    /// A keyed 128-bit hash: nobody outside can make two texts meet.
    pub(crate) fn hash(&self, text: &str) -> u128 {
        (u128::from(self.keys.0.hash_one(text)) << 64) | u128::from(self.keys.1.hash_one(text))
    }

    /// Whether the grant may still be used: it is asked again before what a store sent becomes part of an answer.
    pub(crate) fn is_granted(&self, grant: GrantId) -> bool {
        self.directory.grant_is_usable(grant, now())
    }

    fn remember(&self, service: ServiceId, known: Known) {
        let mut all = self.lock();
        all.remove(&service);
        let others: usize = all.values().map(|known| known.stores.len()).sum();
        if others + known.stores.len() > MAX_REMEMBERED_STORES {
            all.clear();
        }
        if known.stores.len() <= MAX_REMEMBERED_STORES {
            all.insert(service, known);
        }
    }

    /// Makes the places of a service's stores; those of grants that have not changed come from `before`.
    async fn look_up(&self, service: ServiceId, before: &[InScope]) -> Arc<[InScope]> {
        let before: HashMap<GrantId, &InScope> = before.iter().map(|store| (store.grant, store)).collect();
        let ids = self.directory.grants_to(service);
        let grants: Vec<Grant> = ids.into_iter().filter_map(|id| self.directory.grant(id)).collect();
        let known = |grant: &Grant| {
            let known = before.get(&grant.id)?;
            let place = known.place.as_ref().ok()?;
            (*known.row == *grant)
                .then(|| Reader { role: place.role.clone(), credential: place.credential.clone() })
        };
        let found: Vec<Option<Reader>> = grants.iter().map(known).collect();
        let missing = grants.iter().zip(&found).filter(|(_, found)| found.is_none());
        let missing: Vec<GrantId> = missing.map(|(grant, _)| grant.id).collect();
        let mut read = self.read(missing).await.into_iter();
        let mut stores: Vec<InScope> = Vec::with_capacity(grants.len());
        for (grant, found) in grants.into_iter().zip(found) {
            let reader = found.or_else(|| read.next().flatten());
            stores.extend(self.in_scope(grant, reader, &before));
        }
        stores.sort_by(|one, other| one.user.cmp(&other.user));
        stores.into()
    }

    async fn read(&self, grants: Vec<GrantId>) -> Vec<Option<Reader>> {
        if grants.is_empty() {
            return Vec::new();
        }
        let readers = Arc::clone(&self.readers);
        let read = tokio::task::spawn_blocking(move || readers.find(&grants)).await;
        read.unwrap_or_else(|error| {
            tracing::error!(%error, "the read-only roles of grants could not be read");
            Vec::new()
        })
    }

    fn in_scope(
        &self,
        grant: Grant,
        reader: Option<Reader>,
        before: &HashMap<GrantId, &InScope>,
    ) -> Option<InScope> {
        let user = self.directory.user(grant.user)?;
        let place = if user.disabled {
            Err(Fault::new(Outcome::Revoked, "the user is disabled"))
        } else {
            self.place(&grant, user.name.as_str(), reader).map(|place| {
                // The same value where nothing has changed: pools compare places by address first.
                let known = before.get(&grant.id).and_then(|known| known.place.as_ref().ok());
                known.filter(|known| ***known == place).cloned().unwrap_or_else(|| Arc::new(place))
            })
        };
        let (id, class, expires_at) = (grant.id, grant.fanout, grant.expires_at);
        let took = before.get(&id).map(|known| Arc::clone(&known.took)).unwrap_or_default();
        Some(InScope { user: user.name, grant: id, class, expires_at, place, row: Arc::new(grant), took })
    }

    fn place(&self, grant: &Grant, user: &str, reader: Option<Reader>) -> Result<Place, Fault> {
        let not_ready = |why| Err(Fault::new(Outcome::Unreachable, why));
        if grant.state == GrantState::Pending {
            return not_ready("the grant has not been carried out in the store yet");
        }
        let Some(store) = self.directory.store(grant.store) else {
            return not_ready("the store is not known yet");
        };
        if store.state == StoreState::Reconciling {
            return not_ready("earlier changes are still being carried out in the store");
        }
        let Some(reader) = reader else {
            return Err(Fault::new(Outcome::Auth, "the grant has no read-only role"));
        };
        let mut endpoint = store.endpoint;
        if let Some(database) = &grant.database {
            endpoint.database.clone_from(database);
        }
        let path = grant.partition.search_path().map(|path| ("search_path".to_owned(), path));
        let pinned = PINNED.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Ok(Place {
            key: Key::Reader(grant.id),
            service: grant.service,
            label: format!("the store of {user}, for reading").into(),
            endpoint,
            role: reader.role,
            credential: reader.credential,
            startup: pinned.chain(path).collect(),
            allow_trust: false,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ServiceId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds since the Unix epoch.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
