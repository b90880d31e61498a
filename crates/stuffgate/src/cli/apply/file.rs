//! The shape of the file that `stuffgate apply` reads.

use super::super::Failure;
use super::super::grant::Kind as PartitionKind;
use super::super::login::Kind as LoginKind;
use super::super::{secret, time};
use model::{Disclosure, Name};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};

/// The whole file.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub(super) service: Vec<ServiceItem>,
    pub(super) user: Vec<UserItem>,
    pub(super) login: Vec<LoginItem>,
    pub(super) store: Vec<StoreItem>,
    pub(super) grant: Vec<GrantItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceItem {
    #[serde(deserialize_with = "name")]
    pub(super) name: Name,
    #[serde(default)]
    pub(super) extensions: Vec<Box<str>>,
    pub(super) home: Option<HomeItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HomeItem {
    pub(super) url: String,
    secret_file: Option<PathBuf>,
    secret_env: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserItem {
    #[serde(deserialize_with = "name")]
    pub(super) name: Name,
    #[serde(default)]
    pub(super) disabled: bool,
    secret_file: Option<PathBuf>,
    secret_env: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginItem {
    #[serde(deserialize_with = "name")]
    pub(super) name: Name,
    #[serde(deserialize_with = "login_kind")]
    pub(super) kind: LoginKind,
    #[serde(default, deserialize_with = "maybe_name")]
    pub(super) service: Option<Name>,
    #[serde(default)]
    pub(super) disabled: bool,
    #[serde(default, deserialize_with = "moment")]
    pub(super) expires: Option<i64>,
    pub(super) min_stores_per_group: Option<u32>,
    secret_file: Option<PathBuf>,
    secret_env: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoreItem {
    #[serde(deserialize_with = "name")]
    pub(super) user: Name,
    pub(super) url: String,
    secret_file: Option<PathBuf>,
    secret_env: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantItem {
    #[serde(deserialize_with = "name")]
    pub(super) user: Name,
    #[serde(deserialize_with = "name")]
    pub(super) service: Name,
    pub(super) store: Option<i64>,
    pub(super) partition: Option<PartitionKind>,
    pub(super) existing: Option<ExistingItem>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) expires: Option<i64>,
    #[serde(default, deserialize_with = "disclosure")]
    pub(super) fanout: Option<Disclosure>,
    #[serde(default)]
    pub(super) state: GrantWord,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExistingItem {
    pub(super) url: String,
    pub(super) schema: String,
    #[serde(default = "extension_schema")]
    pub(super) extension_schema: String,
    secret_file: Option<PathBuf>,
    secret_env: Option<String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum GrantWord {
    #[default]
    Active,
    Revoked,
}

/// Where an item's secret is.
pub(super) trait HasSecret {
    /// The two ways to say so.
    fn source(&self) -> (Option<&Path>, Option<&str>);

    /// The secret; `None` where the item names none. A relative path starts in `folder`.
    ///
    /// # Errors
    /// When it cannot be read, or is named twice.
    fn secret(&self, folder: &Path) -> Result<Option<SecretString>, Failure> {
        match self.source() {
            (None, None) => Ok(None),
            (Some(path), None) => secret::from_file(&folder.join(path)).map(Some),
            (None, Some(variable)) => match std::env::var(variable) {
                Ok(text) if !text.is_empty() => Ok(Some(SecretString::from(text))),
                _ => Err(Failure::usage(format!("the environment variable {variable} is not set"))),
            },
            (Some(_), Some(_)) => Err(Failure::usage("name secret_file or secret_env, not both")),
        }
    }

    /// The secret, where there must be one.
    ///
    /// # Errors
    /// As [`HasSecret::secret`], and when the item names none.
    fn must_have_secret(&self, folder: &Path) -> Result<SecretString, Failure> {
        self.secret(folder)?
            .ok_or_else(|| Failure::usage("it needs a secret: name secret_file or secret_env"))
    }
}

macro_rules! has_secret {
    ($($item:ty),+) => {$(
        impl HasSecret for $item {
            fn source(&self) -> (Option<&Path>, Option<&str>) {
                (self.secret_file.as_deref(), self.secret_env.as_deref())
            }
        }
    )+};
}

has_secret!(HomeItem, UserItem, LoginItem, StoreItem, ExistingItem);

fn extension_schema() -> String {
    super::super::grant::EXTENSION_SCHEMA.to_owned()
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn maybe_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Name>, D::Error> {
    name(deserializer).map(Some)
}

fn login_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LoginKind, D::Error> {
    use clap::ValueEnum as _;
    let text = String::deserialize(deserializer)?;
    LoginKind::from_str(&text, false)
        .map_err(|_| serde::de::Error::custom(format!("{text:?} is not service, analyst or admin")))
}

fn disclosure<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Disclosure>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(serde::de::Error::custom)
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    time::parse_moment(&text).map(Some).map_err(serde::de::Error::custom)
}
