//! Where a setting comes from: a flag, else an environment variable, else the file, else the default.

use std::{
    env,
    ffi::OsString,
    fmt::{self, Display},
    marker::PhantomData,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::anyhow;
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use zeroize::Zeroizing;

use super::otlp::Otlp;

/// A value, and where it comes from.
pub(super) struct Setting<T> {
    pub(super) value: T,
    pub(super) from: Origin,
}

/// Where a setting comes from.
#[derive(Clone)]
pub(super) enum Origin {
    Flag,
    Variable(&'static str),
    File(PathBuf),
    Default,
}

/// Several values: in a variable they stand between commas.
#[derive(Clone)]
pub(crate) struct List<T>(pub(super) Vec<T>);

/// What a setting is looked for in.
pub(super) struct Layers<'a> {
    /// The configuration file.
    pub(super) path: &'a Path,
}

impl<T> Setting<T> {
    pub(super) fn default(value: T) -> Self {
        Setting { value, from: Origin::Default }
    }
}

impl Layers<'_> {
    pub(super) fn setting<T: FromStr<Err: Display>>(
        &self,
        flag: Option<T>,
        variable: &'static str,
        file: Option<T>,
        default: impl FnOnce() -> T,
    ) -> anyhow::Result<Setting<T>> {
        let (value, from) = match (flag, environment(variable)?, file) {
            (Some(value), _, _) => (value, Origin::Flag),
            (None, Some(value), _) => (value, Origin::Variable(variable)),
            (None, None, Some(value)) => (value, Origin::File(self.path.to_owned())),
            (None, None, None) => (default(), Origin::Default),
        };
        Ok(Setting { value, from })
    }

    pub(super) fn list<T: Clone + FromStr<Err: Display>>(
        &self,
        flags: &[T],
        variable: &'static str,
        file: Option<List<T>>,
    ) -> anyhow::Result<Setting<List<T>>> {
        let flags = (!flags.is_empty()).then(|| List(flags.to_vec()));
        self.setting(flags, variable, file, || List(Vec::new()))
    }

    /// The collector; that of OpenTelemetry's own variable, where nothing else is set.
    pub(super) fn otlp(&self, flag: Option<Otlp>, file: Option<Otlp>) -> anyhow::Result<Setting<Otlp>> {
        let own = self.setting(flag, "COUNTERSIGN_OTLP_ENDPOINT", file, || Otlp::OFF)?;
        match (&own.from, environment(OTEL)?) {
            (Origin::Default, Some(value)) => Ok(Setting { value, from: Origin::Variable(OTEL) }),
            _ => Ok(own),
        }
    }

    pub(super) fn switch(
        &self,
        flag: Option<bool>,
        variable: &'static str,
        file: Option<bool>,
    ) -> anyhow::Result<Setting<bool>> {
        self.setting(flag, variable, file, || false)
    }
}

/// The value of a variable; one that is empty counts as not set.
fn environment<T: FromStr<Err: Display>>(variable: &str) -> anyhow::Result<Option<T>> {
    let Some(text) = text(variable)? else { return Ok(None) };
    let value = text.parse().map_err(|error| anyhow!("{variable} can't be used: {error}"))?;
    Ok(Some(value))
}

/// The text of a variable; one that is empty counts as not set.
pub(super) fn text(variable: &str) -> anyhow::Result<Option<Zeroizing<String>>> {
    let text = env::var_os(variable).map(OsString::into_string).transpose();
    let text = text.map_err(|_| anyhow!("{variable} doesn't hold text"))?.filter(|text| !text.is_empty());
    Ok(text.map(Zeroizing::new))
}

impl<T: FromStr> FromStr for List<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.split(',').map(|one| one.trim().parse()).collect::<Result<_, _>>().map(List)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(InBrackets(PhantomData))
    }
}

/// Reads a list, and says what one is.
struct InBrackets<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for InBrackets<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list in brackets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<T>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(List(values))
    }
}

impl<T: Display> Display for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(T::to_string).collect();
        f.write_str(&texts.join(", "))
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag => f.write_str("flag"),
            Origin::Variable(name) => f.write_str(name),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

const OTEL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
