//! One refresh: a fan-out is run, and its rows replace the old ones on home in one transaction.

use super::{HomeError, connect, copy, script};
use crate::talk;
use fanout::{Asker, Described, Done, Event, Fanout, Run, Settings, Values};
use model::{Directory, Home, Service};
use pool::{Credentials, Key};
use registry::{Kept, Materialized};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wire::dial::AddressPolicy;
use wire::{Fields, Peer, Stream};

/// How long home may take to write an answer, besides the time that the fan-out takes.
const WRITE_TIMEOUT: Duration = Duration::from_mins(5);

/// Bytes that are sent to home at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// The number by which leases of refreshes are told from sessions', which count from 1.
const NOBODYS: u64 = 0;

/// What [`script::FORMS`] come to, for connections that are leased: a number that no session's parameters hash to
/// but by chance.
const FORMS_FINGERPRINT: u64 = 0x7374_7566_6667_6174;

/// Why an answer was not made anew. The old one is kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// The service, or its home, is gone.
    #[error("service {0} has no home")]
    NoHome(String),
    /// The statement is not one whose answer can be kept.
    #[error("{0}")]
    Unfit(&'static str),
    /// The statement failed.
    #[error("{}", one_line(.0))]
    Refused(Box<Fields>),
    /// The fan-out broke off.
    #[error("the fan-out broke off")]
    Lost,
    /// Home's credential does not open.
    #[error("the credential of home cannot be opened")]
    Credential,
    /// Something about home.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// It took too long.
    #[error("it took longer than {} s", .0.as_secs())]
    Late(Duration),
    /// It was dropped or defined anew meanwhile.
    #[error("it was dropped or defined anew meanwhile")]
    Superseded,
}

impl From<talk::TalkError> for Stop {
    fn from(error: talk::TalkError) -> Self {
        Self::Home(error.into())
    }
}

fn one_line(fields: &Fields) -> String {
    let detail = fields.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("{}: {}{detail}", fields.code, fields.message)
}

/// Makes refreshes.
pub(crate) struct Refresher {
    pub(crate) fanout: Arc<Fanout>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) credentials: Arc<dyn Credentials>,
    pub(crate) allow: AddressPolicy,
}

impl Refresher {
    /// The longest time that a refresh takes.
    pub(crate) fn timeout(&self) -> Duration {
        self.fanout.limits().deadline + WRITE_TIMEOUT
    }

    /// Makes an answer anew. `still` says, at the last moment, whether it is still wanted as it was claimed.
    /// Dropped midway, it leaves the old answer.
    ///
    /// # Errors
    /// [`Stop`]; home then notes why, if it can.
    pub(crate) async fn refresh(
        &self,
        wanted: &Materialized,
        still: impl AsyncFnOnce() -> bool,
    ) -> Result<Kept, Stop> {
        let (as_of, limit) = (now(), self.timeout());
        let service = self.directory.service(wanted.service);
        let no_home = || Stop::NoHome(wanted.definition.service.to_string());
        let service = service.ok_or_else(no_home)?;
        let home = service.home.as_ref().ok_or_else(no_home)?;
        let made = tokio::time::timeout(limit, self.make(wanted, &service, home, as_of, still)).await;
        let made = made.unwrap_or(Err(Stop::Late(limit)));
        if let Err(stop) = &made
            && !matches!(stop, Stop::Superseded)
        {
            let noted =
                tokio::time::timeout(WRITE_TIMEOUT, self.note(wanted, &service, home, as_of, stop)).await;
            if !matches!(noted, Ok(Ok(()))) {
                tracing::debug!(name = %wanted.definition.name, "home could not note a failed refresh");
            }
        }
        made
    }

    async fn make(
        &self,
        wanted: &Materialized,
        service: &Service,
        home: &Home,
        as_of: i64,
        still: impl AsyncFnOnce() -> bool,
    ) -> Result<Kept, Stop> {
        let name = wanted.definition.name.as_str();
        let asker = self.asker(wanted, service, home);
        let described = self.fanout.describe(&asker, &wanted.definition.statement, &[]).await;
        let described = described.map_err(Stop::Refused)?;
        let mut peer = self.connect(service, home).await?;
        self.make_room(&mut peer, name, &described).await?;
        talk::begin_copy(&mut peer, &script::fill(name)).await?;
        let mut run = self.fanout.run(asker, described, Values::default());
        let (done, rows) = pass_rows(&mut run, &mut peer).await?;
        talk::end_copy(&mut peer).await?;
        let coverage = done.coverage.as_deref();
        talk::run(&mut peer, &script::note(name, as_of, Ok((rows, coverage)))).await?;
        if !still().await {
            return Err(Stop::Superseded);
        }
        talk::run(&mut peer, "COMMIT").await?;
        let count = |count: Option<usize>| u32::try_from(count.unwrap_or(0)).unwrap_or(u32::MAX);
        Ok(Kept {
            as_of,
            asked: count(coverage.map(model::Coverage::asked)),
            ok: count(coverage.map(|coverage| coverage.count(model::Outcome::Ok))),
            rows,
        })
    }

    fn asker(&self, wanted: &Materialized, service: &Service, home: &Home) -> Asker {
        Asker {
            service: service.id,
            home: Arc::new(session::home_of(service.id, &service.name, home)),
            min_stores_per_group: wanted.definition.min_stores_per_group,
            session: NOBODYS,
            settings: Settings {
                min_coverage: wanted.definition.min_coverage,
                ..Settings::of(self.fanout.limits())
            },
            set_up: format!("RESET ALL; {}", script::FORMS).into(),
            fingerprint: FORMS_FINGERPRINT,
        }
    }

    async fn connect(&self, service: &Service, home: &Home) -> Result<Peer<Stream>, Stop> {
        let opened = self.credentials.open(Key::Home(service.id), &home.credential);
        Ok(connect(home, opened.map_err(|_| Stop::Credential)?, self.allow).await?)
    }

    /// Begins the transaction, and leaves an empty table with the right columns.
    async fn make_room(
        &self,
        peer: &mut Peer<Stream>,
        name: &str,
        described: &Described,
    ) -> Result<(), Stop> {
        if !described.parameters.is_empty() {
            return Err(Stop::Unfit("a statement whose answer is kept takes no parameters"));
        }
        let columns = described.columns.as_deref().filter(|columns| !columns.is_empty());
        let columns =
            columns.ok_or(Stop::Unfit("only the answer of a statement that returns columns can be kept"))?;
        talk::run(peer, &script::begin(name, self.timeout().as_millis())).await?;
        if talk::values(peer, &script::is_furnished()).await? != ["t"] {
            talk::run(peer, &script::furnish()).await?;
        }
        let wanted = talk::values(peer, &script::wanted(columns)).await?;
        let found = talk::values(peer, &script::found(name)).await?;
        Ok(talk::run(peer, &script::make_room(name, &wanted, &found)).await?)
    }

    /// Notes a failed refresh on home, beside the answer that is kept.
    async fn note(
        &self,
        wanted: &Materialized,
        service: &Service,
        home: &Home,
        as_of: i64,
        stop: &Stop,
    ) -> Result<(), Stop> {
        let name = wanted.definition.name.as_str();
        let mut peer = self.connect(service, home).await?;
        talk::run(&mut peer, &script::begin(name, WRITE_TIMEOUT.as_millis())).await?;
        if talk::values(&mut peer, &script::is_furnished()).await? != ["t"] {
            talk::run(&mut peer, &script::furnish()).await?;
        }
        talk::run(&mut peer, &script::note(name, as_of, Err(&stop.to_string()))).await?;
        Ok(talk::run(&mut peer, "COMMIT").await?)
    }
}

/// Passes a fan-out's rows on to home as they come, and tells how many.
async fn pass_rows(run: &mut Run, peer: &mut Peer<Stream>) -> Result<(Done, i64), Stop> {
    let mut rows = 0;
    loop {
        match run.events.recv().await {
            Some(Event::Rows { messages, .. }) => {
                rows += copy::put(&messages, peer.outbox.buffer()).ok_or(Stop::Lost)?;
                if peer.outbox.len() >= CHUNK_BYTES {
                    peer.send().await.map_err(talk::TalkError::Broke)?;
                }
            }
            Some(Event::Notice(_) | Event::Progress { .. }) => {}
            Some(Event::Copied(_)) | None => return Err(Stop::Lost),
            Some(Event::End(Ok(done))) => return Ok((done, rows)),
            Some(Event::End(Err(failure))) => return Err(Stop::Refused(failure.fields)),
        }
    }
}

/// Seconds since the Unix epoch.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
