//! One item at a time: compared with the registry, and made so where it differs.

use super::super::grant::{self, Kind as PartitionKind};
use super::super::{Failure, by_hand, login as logins, revoke, url};
use super::file::{GrantItem, GrantWord, HasSecret as _, LoginItem, ServiceItem, StoreItem, UserItem};
use super::{Outcome, Place};
use model::{Credential, GrantState, LoginKind, Name, Partition, Sealed, Service, StoreId};
use registry::{
    Error, GrantRecord, GrantRequest, LoginTarget, NewHome, Prepared, Purpose, Registry, StoreRecord, Where,
    scram,
};
use secrecy::{ExposeSecret as _, SecretString};

pub(super) fn service(item: &ServiceItem, place: &mut Place<'_>) -> Result<Outcome, Failure> {
    let home = match &item.home {
        None => None,
        Some(home) => {
            let target = url::parse(&home.url, place.folder)?;
            let secret = home.must_have_secret(place.folder)?;
            Some(NewHome { endpoint: target.endpoint, role: target.role, secret })
        }
    };
    let Some(known) = found(place.registry.service(&item.name))? else {
        if !place.dry_run {
            place.registry.add_service(&item.name, home.as_ref(), &item.extensions)?;
        }
        return Ok(Outcome::Added);
    };
    if known.extensions == item.extensions && same_home(place.registry, &known, home.as_ref())? {
        return Ok(Outcome::Unchanged);
    }
    if !place.dry_run {
        place.registry.change_service(&item.name, home.as_ref(), &item.extensions)?;
    }
    Ok(Outcome::Changed)
}

fn same_home(registry: &Registry, known: &Service, wanted: Option<&NewHome>) -> Result<bool, Failure> {
    let (home, wanted) = match (&known.home, wanted) {
        (None, None) => return Ok(true),
        (Some(home), Some(wanted)) => (home, wanted),
        _ => return Ok(false),
    };
    let same_place = home.endpoint == wanted.endpoint && home.role == wanted.role;
    Ok(same_place && same_secret(registry, Purpose::Home(known.id), &home.credential, &wanted.secret)?)
}

pub(super) fn user(item: &UserItem, place: &mut Place<'_>) -> Result<Outcome, Failure> {
    let Some(known) = found(place.registry.user(&item.name))? else {
        let secret = item.must_have_secret(place.folder)?;
        if !place.dry_run {
            place.registry.add_user(&item.name, &secret)?;
            place.registry.set_user_disabled(&item.name, item.disabled)?;
        }
        return Ok(Outcome::Added);
    };
    let rotated = rotate(place, &item.name, item.secret(place.folder)?.as_ref())?;
    if known.disabled != item.disabled && !place.dry_run {
        place.registry.set_user_disabled(&item.name, item.disabled)?;
    }
    Ok(if rotated || known.disabled != item.disabled { Outcome::Changed } else { Outcome::Unchanged })
}

pub(super) fn login(item: &LoginItem, place: &mut Place<'_>) -> Result<Outcome, Failure> {
    let target = logins::target(item.kind, item.service.as_ref(), item.min_stores_per_group)?;
    let Some(known) = found(place.registry.login(&item.name))? else {
        let secret = item.must_have_secret(place.folder)?;
        if !place.dry_run {
            place.registry.add_login(&item.name, &target, &secret, item.expires)?;
            place.registry.set_login_disabled(&item.name, item.disabled)?;
        }
        return Ok(Outcome::Added);
    };
    if !same_target(place.registry, &known.kind, &target)? {
        let message =
            format!("is a login of kind {} for something else; remove it first", known.kind.as_str());
        return Err(Error::Conflict(message).into());
    }
    let rotated = rotate(place, &item.name, item.secret(place.folder)?.as_ref())?;
    // Where the file says nothing, what was narrowed by hand stays so.
    let min_stores = item.min_stores_per_group.unwrap_or(known.min_stores_per_group);
    let differs = known.disabled != item.disabled
        || known.expires_at != item.expires
        || known.min_stores_per_group != min_stores;
    if differs && !place.dry_run {
        place.registry.set_login_disabled(&item.name, item.disabled)?;
        place.registry.set_login_expiry(&item.name, item.expires)?;
        if let LoginKind::Analyst(_) = known.kind {
            place.registry.set_min_stores_per_group(&item.name, min_stores)?;
        }
    }
    Ok(if rotated || differs { Outcome::Changed } else { Outcome::Unchanged })
}

fn same_target(registry: &Registry, kind: &LoginKind, target: &LoginTarget) -> Result<bool, Failure> {
    let is = |name: &Name, id| Ok(found(registry.service(name))?.is_some_and(|service| service.id == id));
    match (kind, target) {
        (LoginKind::Service(id), LoginTarget::Service(name)) => is(name, *id),
        (LoginKind::Analyst(id), LoginTarget::Analyst { service, .. }) => is(service, *id),
        (LoginKind::Admin, LoginTarget::Admin) => Ok(true),
        _ => Ok(false),
    }
}

/// Gives a login the secret that the file names, if it has another one, and tells whether it had.
fn rotate(place: &mut Place<'_>, name: &Name, secret: Option<&SecretString>) -> Result<bool, Failure> {
    let Some(secret) = secret else { return Ok(false) };
    if scram::matches(&place.registry.login(name)?.verifier, secret) {
        return Ok(false);
    }
    if !place.dry_run {
        place.registry.rotate_login(name, secret)?;
    }
    Ok(true)
}

pub(super) fn store(item: &StoreItem, place: &mut Place<'_>) -> Result<Outcome, Failure> {
    let target = url::parse(&item.url, place.folder)?;
    let secret = item.must_have_secret(place.folder)?;
    let admin = (&*target.role, &secret);
    let stores = found(place.registry.stores_of(&item.user))?.unwrap_or_default();
    let same_place = |record: &&StoreRecord| {
        let known = &record.store.endpoint;
        let wanted = &target.endpoint;
        known.host == wanted.host && known.port == wanted.port && known.database == wanted.database
    };
    let Some(known) = stores.iter().find(same_place) else {
        if !place.dry_run {
            place.registry.add_store(&item.user, &target.endpoint, admin)?;
        }
        return Ok(Outcome::Added);
    };
    let id = known.store.id;
    let same_admin = match &known.admin {
        Some(known) if known.role == target.role => {
            same_secret(place.registry, Purpose::StoreAdmin(id), &known.credential, &secret)?
        }
        _ => false,
    };
    if same_admin && known.store.endpoint == target.endpoint {
        return Ok(Outcome::Unchanged);
    }
    if !place.dry_run {
        place.registry.change_store(id, &target.endpoint, admin)?;
    }
    Ok(Outcome::Changed)
}

pub(super) async fn grant(item: &GrantItem, place: &mut Place<'_>) -> Result<Outcome, Failure> {
    let live = place.registry.live_grant(&item.user, &item.service)?;
    if item.state == GrantWord::Revoked {
        if live.is_none() {
            return Ok(Outcome::Unchanged);
        }
        if !place.dry_run {
            Box::pin(revoke::revoke(place.config, place.registry, &item.user, &item.service)).await?;
        }
        return Ok(Outcome::Revoked);
    }
    let request = request(item, place)?;
    if let Some(live) = &live
        && is_in_force(live, &request, place)?
    {
        return Ok(Outcome::Unchanged);
    }
    if !place.dry_run {
        if let Some(class) = request.fanout.filter(|_| live.is_some()) {
            // First, and whatever comes of the rest: what the file takes away is not shown any more.
            place.registry.set_fanout(&item.user, &item.service, class)?;
        }
        Box::pin(grant::grant(place.config, place.registry, &request)).await?;
    }
    Ok(if live.is_some() { Outcome::Changed } else { Outcome::Added })
}

fn request(item: &GrantItem, place: &Place<'_>) -> Result<GrantRequest, Failure> {
    let wanted = match (&item.existing, item.partition) {
        (Some(existing), None) => {
            let target = url::parse(&existing.url, place.folder)?;
            let secret = existing.must_have_secret(place.folder)?;
            by_hand::place(target, secret, &existing.schema, &existing.extension_schema)
        }
        (None, kind) => grant::place(kind.unwrap_or(PartitionKind::Schema)),
        (Some(_), Some(_)) => return Err(Failure::usage("name partition or existing, not both")),
    };
    Ok(GrantRequest {
        user: item.user.clone(),
        service: item.service.clone(),
        store: item.store.map(StoreId),
        place: wanted,
        expires_at: item.expires,
        fanout: item.fanout,
    })
}

/// Whether a live grant is what the file asks for. One in another place is not; asking for it then says why
/// it cannot be had.
fn is_in_force(live: &GrantRecord, request: &GrantRequest, place: &Place<'_>) -> Result<bool, Failure> {
    let grant = &live.grant;
    let same_end = grant.state == GrantState::Active
        && grant.expires_at == request.expires_at
        && request.fanout.is_none_or(|class| class == grant.fanout);
    let same_store = request.store.is_none_or(|id| id == grant.store);
    let same_place = match (&request.place, &grant.partition, &live.prepared) {
        (Where::Schema, Partition::Schema { .. }, Prepared::ByGate { .. })
        | (Where::Database, Partition::Database, Prepared::ByGate { .. }) => true,
        (
            Where::Existing { endpoint, role, secret, schema, extensions },
            Partition::Schema { schema: known, extensions: known_extensions },
            Prepared::ByOwner,
        ) => {
            let store = place.registry.store(grant.store)?;
            let purpose = Purpose::GrantLogin(grant.id);
            store.store.endpoint == *endpoint
                && (known, known_extensions) == (schema, extensions)
                && grant.role == *role
                && same_secret(place.registry, purpose, &grant.credential, secret)?
        }
        _ => false,
    };
    Ok(same_end && same_store && same_place)
}

fn same_secret(
    registry: &Registry,
    purpose: Purpose,
    sealed: &Sealed,
    wanted: &SecretString,
) -> Result<bool, Failure> {
    Ok(match registry.open_credential(purpose, sealed)? {
        Credential::Password(known) => known.expose_secret() == wanted.expose_secret(),
        Credential::Keys(_) => false,
    })
}

/// `None` for what does not exist.
fn found<T>(result: Result<T, Error>) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
