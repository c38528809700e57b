//! Where secrets come from. None of them is ever printed.

use std::{env, path::Path, path::PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::{ArgMatches, Args, Command, FromArgMatches};
use countersign::{Key, Keyring, Scheme};
use zeroize::Zeroizing;

use crate::{input, output};

/// The secrets of a command, in the order of the arguments.
pub(crate) struct SecretArgs {
    sources: Vec<Source>,
}

#[derive(Clone)]
enum Source {
    Environment(String),
    File(PathBuf),
    Argument(Zeroizing<String>),
}

#[derive(Args)]
struct Options {
    /// The environment variable that holds the secret (repeatable)
    #[arg(long, value_name = "NAME")]
    secret_env: Vec<String>,
    /// The file that holds the secret (repeatable)
    #[arg(long, value_name = "FILE")]
    secret_file: Vec<PathBuf>,
    /// Reads the secret from standard input
    #[arg(long)]
    secret_stdin: bool,
    /// The secret itself, for quick tests: `ps` and the shell's history show it
    #[arg(long, value_name = "SECRET")]
    secret: Vec<String>,
}

impl SecretArgs {
    /// The keyring of these secrets. Each key is labelled with where it comes from.
    pub(crate) fn keyring(&self, scheme: &Scheme) -> anyhow::Result<Keyring> {
        keyring(scheme, &self.read()?)
    }

    /// The secrets as they are written.
    pub(crate) fn read(&self) -> anyhow::Result<Vec<Written>> {
        self.warn();
        self.sources.iter().map(|source| Ok((source.label(), source.read()?))).collect()
    }

    /// Whether no secret was given.
    pub(crate) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Whether a secret is read from standard input.
    pub(crate) fn use_stdin(&self) -> bool {
        self.sources.iter().any(|source| matches!(source, Source::File(path) if input::is_stdin(path)))
    }

    fn warn(&self) {
        if self.sources.iter().any(|source| matches!(source, Source::Argument(_))) {
            output::warning(
                "--secret shows the secret to everybody who can run `ps` here, and to the shell's history: \
                 use --secret-env, --secret-file or --secret-stdin",
            );
        }
    }
}

/// A secret as it is written, behind what messages and results call it: where it comes from.
pub(crate) type Written = (String, Zeroizing<String>);

/// The keyring of some secrets, with their labels.
pub(crate) fn keyring(scheme: &Scheme, secrets: &[Written]) -> anyhow::Result<Keyring> {
    match (scheme.is_unsigned(), secrets.is_empty()) {
        (true, true) => return Ok(Keyring::accept_unsigned(scheme)?),
        (true, false) => bail!("{IGNORED}"),
        (false, true) => {
            bail!("there is no secret: give --secret-env NAME, --secret-file FILE or --secret-stdin")
        }
        (false, false) => {}
    }
    let keys: Vec<_> =
        secrets.iter().flat_map(|(label, text)| split(label, text, scheme.key.joined_by)).collect();
    let builder = Keyring::builder(scheme);
    let builder = keys.iter().fold(builder, |builder, (label, secret)| builder.key(Key::new(label, secret)));
    builder.build().context("the secret can't be used")
}

impl Source {
    /// What messages and results call the secret.
    fn label(&self) -> String {
        match self {
            Source::Environment(name) => name.clone(),
            Source::File(path) => input::name(path),
            Source::Argument(_) => "--secret".to_owned(),
        }
    }

    fn read(&self) -> anyhow::Result<Zeroizing<String>> {
        match self {
            Source::Environment(name) => variable(name),
            Source::File(path) => file(path),
            Source::Argument(secret) => Ok(secret.clone()),
        }
    }
}

pub(crate) fn variable(name: &str) -> anyhow::Result<Zeroizing<String>> {
    // Whoever gives the secret in place of its variable's name must not find it in a log.
    let plain = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let shown = if plain {
        format!("environment variable {name}")
    } else {
        "the variable of --secret-env".to_owned()
    };
    match env::var(name) {
        Ok(secret) => Ok(Zeroizing::new(secret)),
        Err(env::VarError::NotPresent) => bail!("{shown} isn't set: give a variable's name, and export it"),
        Err(env::VarError::NotUnicode(_)) => bail!("{shown} doesn't hold text: the secret must be UTF-8"),
    }
}

/// The text of a file without the one line break that `echo` and editors add.
fn file(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let bytes = Zeroizing::new(input::read_up_to(path, MAX_SECRET_BYTES)?);
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| anyhow!("{} doesn't hold text: the secret must be UTF-8", input::name(path)))?;
    let line = text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Zeroizing::new(line.unwrap_or(text).to_owned()))
}

/// The secrets of one text, which some providers join.
fn split(label: &str, text: &str, joined_by: Option<char>) -> Vec<(String, Zeroizing<String>)> {
    let Some(mark) = joined_by.filter(|mark| text.contains(*mark)) else {
        return vec![(label.to_owned(), Zeroizing::new(text.to_owned()))];
    };
    let pieces = text.split(mark).enumerate();
    pieces
        .map(|(index, piece)| (format!("{label}#{}", index + 1), Zeroizing::new(piece.to_owned())))
        .collect()
}

impl FromArgMatches for SecretArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut sources = Vec::new();
        collect::<String>(matches, "secret_env", &mut sources, |name| Source::Environment(name.clone()));
        collect::<PathBuf>(matches, "secret_file", &mut sources, |path| Source::File(path.clone()));
        collect::<String>(matches, "secret", &mut sources, |text| {
            Source::Argument(Zeroizing::new(text.clone()))
        });
        if matches.get_flag("secret_stdin") {
            sources.push((matches.index_of("secret_stdin").unwrap_or_default(), Source::File("-".into())));
        }
        sources.sort_by_key(|(index, _)| *index);
        Ok(SecretArgs { sources: sources.into_iter().map(|(_, source)| source).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for SecretArgs {
    fn augment_args(command: Command) -> Command {
        Options::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Options::augment_args_for_update(command)
    }
}

/// Adds the values of an option, each with its place on the command line.
fn collect<T: Clone + Send + Sync + 'static>(
    matches: &ArgMatches,
    option: &str,
    sources: &mut Vec<(usize, Source)>,
    source: impl Fn(&T) -> Source,
) {
    let values = matches.get_many::<T>(option).into_iter().flatten();
    let indices = matches.indices_of(option).into_iter().flatten();
    sources.extend(indices.zip(values.map(source)));
}

/// Why an unsigned scheme takes no secret.
pub(crate) const IGNORED: &str = "the scheme signs nothing and would ignore a secret: leave it out";

const MAX_SECRET_BYTES: u64 = 64 * 1024;
