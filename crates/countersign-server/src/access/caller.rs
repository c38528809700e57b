//! Who is calling.

use std::sync::Arc;

use countersign_store::api_keys::Scope;

/// Who is calling, and what they may do: the holder of a key, or whom the application let in itself.
///
/// An application with an authentication of its own puts a `Caller` into the request's extensions; then no
/// key is asked for, and what comes from a page of another origin [changes nothing](crate#who-may-do-what).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    label: Arc<str>,
    scope: Scope,
}

impl Caller {
    /// A caller whom the log knows by this label.
    #[must_use]
    pub fn new(label: impl Into<Arc<str>>, scope: Scope) -> Self {
        Caller { label: label.into(), scope }
    }

    /// What the log knows them by.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What they may see and do.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.scope == Scope::Admin
    }

    pub(crate) fn may_change(&self) -> bool {
        !matches!(self.scope, Scope::Read { .. })
    }

    /// The tenant that they are confined to.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.scope.tenant()
    }

    /// Whether they may see what is this tenant's.
    pub(crate) fn sees(&self, tenant: Option<&str>) -> bool {
        self.tenant().is_none_or(|own| tenant == Some(own))
    }
}
