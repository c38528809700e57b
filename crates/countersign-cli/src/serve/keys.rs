//! The API keys that the server lets in, by their digests.

use std::{fmt, io::Write as _, path::Path};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use countersign_server::{Access, ApiKey, KeyDigest, Scope};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::layers::{self, Origin};
use crate::private;

/// The keys of the configuration file and of the environment.
pub(super) struct Keys(Vec<(KeyEntry, Origin)>);

/// A key as the configuration file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyEntry {
    label: String,
    #[serde(deserialize_with = "digest")]
    digest: KeyDigest,
    scope: ScopeName,
    tenant: Option<String>,
}

/// What a key may do.
#[derive(Clone, Copy, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ScopeName {
    /// Everything
    Admin,
    /// Everything of one tenant
    App,
    /// Seeing, and changing nothing
    Read,
}

impl Keys {
    /// # Errors
    /// A key of one tenant that names none, or a variable that holds no digest.
    pub(super) fn new(entries: Vec<KeyEntry>, path: &Path) -> anyhow::Result<Self> {
        let file = |entry| (entry, Origin::File(path.to_owned()));
        let mut keys: Vec<_> = entries.into_iter().map(file).collect();
        if let Some(text) = layers::text(VARIABLE)? {
            let digest = text.parse().with_context(|| format!("{VARIABLE} can't be used"))?;
            keys.push((KeyEntry::admin("environment", digest), Origin::Variable(VARIABLE)));
        }
        keys.iter().try_for_each(|(key, _)| key.scope().map(drop))?;
        Ok(Keys(keys))
    }

    /// An admin's key that is kept nowhere.
    pub(super) fn made_up() -> anyhow::Result<(Self, ApiKey)> {
        let key = ApiKey::generate()?;
        Ok((Keys(vec![(KeyEntry::admin("admin", key.digest()), Origin::Default)]), key))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What each key may do, and where it comes from.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&KeyEntry, &Origin)> {
        self.0.iter().map(|(key, from)| (key, from))
    }

    /// Adds an admin's key, and keeps its digest in a configuration file, which must not be there yet.
    pub(super) fn make_first(&mut self, path: &Path) -> anyhow::Result<ApiKey> {
        let key = ApiKey::generate()?;
        let entry = KeyEntry::admin("admin", key.digest());
        let written = private::create(path).and_then(|mut file| write!(file, "{HEADING}{entry}"));
        written.with_context(|| format!("{} can't be written", path.display()))?;
        self.0.push((entry, Origin::File(path.to_owned())));
        Ok(key)
    }

    /// Who is let in.
    pub(super) fn access(&self) -> anyhow::Result<Access> {
        let add = |access: Access, (key, _): &(KeyEntry, Origin)| {
            let added = access.key(key.label.as_str(), key.digest, key.scope()?);
            added.with_context(|| format!("the API key `{}` can't be used", key.label))
        };
        self.0.iter().try_fold(Access::new(), add)
    }
}

impl KeyEntry {
    /// # Errors
    /// A key of one tenant that names none, or an admin's that names one.
    pub(super) fn new(
        label: &str,
        digest: KeyDigest,
        scope: ScopeName,
        tenant: Option<String>,
    ) -> anyhow::Result<Self> {
        let entry = KeyEntry { label: label.to_owned(), digest, scope, tenant };
        entry.scope()?;
        Ok(entry)
    }

    /// A key that may do everything.
    fn admin(label: &str, digest: KeyDigest) -> Self {
        KeyEntry { label: label.to_owned(), digest, scope: ScopeName::Admin, tenant: None }
    }

    fn scope(&self) -> anyhow::Result<Scope> {
        let tenant = self.tenant.clone().filter(|tenant| !tenant.is_empty());
        match (self.scope, tenant) {
            (ScopeName::Admin, None) => Ok(Scope::Admin),
            (ScopeName::Admin, Some(_)) => {
                bail!("the API key `{}` is an admin's: it can't be confined to a tenant", self.label)
            }
            (ScopeName::App, Some(tenant)) => Ok(Scope::App { tenant }),
            (ScopeName::App, None) => bail!("the API key `{}` is one tenant's: name the tenant", self.label),
            (ScopeName::Read, tenant) => Ok(Scope::Read { tenant }),
        }
    }

    /// The label, and what the key may do.
    pub(super) fn summary(&self) -> String {
        let tenant = self.tenant.as_ref().map(|tenant| format!(" of {tenant}"));
        format!("{}: {}{}", self.label, self.scope, tenant.unwrap_or_default())
    }
}

/// As it stands in the configuration file.
impl fmt::Display for KeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &str| toml::Value::String(text.to_owned());
        let KeyEntry { label, digest, scope, tenant } = self;
        write!(f, "[[keys]]\nlabel = {}\ndigest = \"{digest}\"\nscope = \"{scope}\"\n", text(label))?;
        tenant.iter().try_for_each(|tenant| writeln!(f, "tenant = {}", text(tenant)))
    }
}

impl fmt::Display for ScopeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ScopeName::Admin => "admin",
            ScopeName::App => "app",
            ScopeName::Read => "read",
        })
    }
}

fn digest<'de, D: Deserializer<'de>>(from: D) -> Result<KeyDigest, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

/// The digest of an admin's key.
const VARIABLE: &str = "COUNTERSIGN_API_KEY_SHA256";
const HEADING: &str =
    "# Made by `countersign serve`. The key was shown once, and is not kept: this is its digest.\n";
