//! What `--help` says beside the arguments. No line is longer than the width at which help is wrapped.

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done; verify: the request is valid; schemes check: the file can be used; send: answered 2xx
  1  verify: the request is not valid; schemes check: the file can't be used; send and the
     commands that ask a server: not answered, or refused
  2  the arguments, a file or a secret can't be used; nothing was signed, verified or sent
With --batch it is 0 once every line has its answer, whatever the answers are. A reader that has
had enough, such as `head`, ends the command with 0; with 2 where 0 would be an answer:
verify, infer, schemes check, send, replay-local. Where the result can't be written otherwise,
as to a disk that is full, it is 2, whatever was done.";

pub(super) const SIGN_HELP: &str = "\
Secrets are read from where `ps` doesn't show them. Each option can be repeated, the current
secret first: where the scheme's header holds several signatures, every secret signs. A variable
is taken as it is; of a file and of standard input one line break at the end is left out, since
`echo` adds one.

Examples:
  countersign sign --scheme stripe --secret-env STRIPE_SECRET body.json
  countersign sign --scheme github --secret-file key.txt --type push \\
      --url https://example.com/hooks --curl body.json | sh
  countersign sign --batch < requests.ndjson

Exit codes:
  0  signed; with --batch: every line has its answer
  2  not signed: the arguments, a file or a secret can't be used";

pub(super) const VERIFY_HELP: &str = "\
Secrets are read as `countersign sign --help` says; several are tried, and the one that matches
is named. A message whose lines end with LF alone is read too. Of the body every byte counts: a
line break that an editor added behind it makes the signature wrong.

Examples:
  countersign verify --scheme stripe --secret-env STRIPE_SECRET --request request.http
  countersign verify --scheme square --secret-file key.txt --url https://example.com/hooks \\
      --headers headers.txt --body body.json
  countersign verify --scheme iptvbp --secret-env SECRET --request refused.http --explain
  countersign verify --batch < cases.ndjson

Exit codes:
  0  valid; with --batch: every line has its answer, whatever the answers are
  1  not valid
  2  not verified: the arguments, a file or a secret can't be used";

pub(super) const INFER_HELP: &str = "\
Secrets are read as `countersign sign --help` says. The scheme must hold for all the requests:
with two of them nothing is found by chance. `countersign listen` captures requests.

Examples:
  countersign infer --secret-env SECRET .countersign/1.http .countersign/2.http > acme.toml
  countersign verify --scheme-file acme.toml --secret-env SECRET --request .countersign/3.http

Exit codes:
  0  found
  1  nothing that was tried fits
  2  the arguments, a file or a secret can't be used";

pub(super) const SEND_HELP: &str = "\
Secrets are read as `countersign sign --help` says. The request goes to public addresses alone,
as the server's do; no redirect is followed.

Examples:
  countersign send --url https://example.com/hooks --scheme stripe --secret-env SECRET body.json
  countersign send --url http://127.0.0.1:3000/hooks --allow-loopback --scheme github \\
      --secret-file key.txt --type push body.json

Exit codes:
  0  answered with 2xx
  1  answered otherwise, or not at all
  2  not sent: the arguments, a file or a secret can't be used";

pub(super) const LISTEN_HELP: &str = "\
With --scheme a request that isn't valid is refused and not forwarded. Each is kept as N.http, a
raw HTTP/1.1 message that `countersign verify --request` reads too.

Examples:
  countersign listen --forward http://127.0.0.1:3000/hooks
  countersign listen --scheme stripe --secret-env STRIPE_SECRET --json
  countersign listen --scheme meta --secret-env APP_SECRET --setting verify_token=meatyhamhock
  countersign replay-local 7 --forward http://127.0.0.1:3000/hooks

Exit codes:
  0  listen: stopped; replay-local: answered with 2xx
  1  replay-local: answered otherwise, or not at all
  2  the arguments, a file or a secret can't be used";

pub(super) const SERVE_HELP: &str = "\
Each setting is a flag, else a variable such as COUNTERSIGN_LISTEN or COUNTERSIGN_ALLOW_NETWORKS
(several values with commas between them), else a line of the configuration file, else the
default; --print-config shows which. COUNTERSIGN_SEAL_KEY, 32 bytes in base64, seals the
endpoints' secrets in the database; several with commas between them, the newest first, change it.

At its first start the server makes an admin's API key and prints it, this once; its digest goes
to countersign.toml. COUNTERSIGN_API_KEY_SHA256 holds the digest of one more, for containers.
Others, such as one for each tenant, are made while it runs, by `countersign key create`.

The dashboard is at the address that is printed, with a link that signs you in once, within 10
minutes; an admin's API key does so at any time.

Examples:
  countersign serve --sample
  countersign serve
  COUNTERSIGN_DATABASE=postgres://app@db/hooks countersign serve --role worker

Exit codes:
  0  stopped by Ctrl-C or SIGTERM, with nothing under way
  2  not started, or broken down";

pub(super) const COMPLETIONS_HELP: &str = "\
Examples:
  countersign completions bash > ~/.local/share/bash-completion/completions/countersign
  countersign completions zsh > \"${fpath[1]}/_countersign\"
  countersign completions fish > ~/.config/fish/completions/countersign.fish";

pub(super) const MAN_HELP: &str = "\
Examples:
  countersign man | man -l -
  countersign man --folder ~/.local/share/man/man1";

pub(super) const API_HELP: &str = "\
The server is that of --server or COUNTERSIGN_SERVER; the API key is read from
COUNTERSIGN_API_KEY. It is not sent to another machine unless the URL is https.

With --database no server is needed, and no key: the command does what the server would, with its
other settings, COUNTERSIGN_SEAL_KEY among them, from countersign.toml and the variables.

Exit codes:
  0  done
  1  refused, or the server could not be asked
  2  the arguments, a file, the key or the database can't be used";

pub(super) const KEY_HELP: &str = "\
Keys are kept in the server's database, as their SHA-256: one that is made lets in at once, and
one that is removed lets nobody in from then on, on every server of the database. Those of
countersign.toml, which `countersign api-key` makes, are not among them, and stay.

The key that asks, in COUNTERSIGN_API_KEY, must be an admin's; with --database none is needed.

Examples:
  countersign key create --label billing --scope app --tenant acme
  countersign key create --label audit --scope read --expires-at 2027-01-01T00:00:00Z
  countersign key list

Exit codes:
  0  done
  1  refused, or the server could not be asked
  2  the arguments, the key or the database can't be used";

pub(super) const INBOX_HELP: &str = "\
An inbox is a table of the application's own database: a SQLite file, or PostgreSQL. The
application can run meanwhile: its workers see within a second what is put back.

Examples:
  countersign inbox dead --database webhooks.db
  countersign inbox show 7 --database webhooks.db --body
  countersign inbox requeue --all --database postgres://app@db/hooks

Exit codes:
  0  done
  1  no such event was given up
  2  the arguments or the database can't be used";

pub(super) const REPLAY_HELP: &str = "\
At least one of --endpoint, --message and --from is needed. A replay that is stopped goes on with
the --after that it names.

Examples:
  countersign replay --endpoint ep_1 --from 2026-11-20T00:00:00Z --count
  countersign replay --endpoint ep_1 --from 2026-11-20T00:00:00Z

Exit codes:
  0  done
  1  refused, or the server could not be asked
  2  the arguments, the key or the database can't be used";

pub(super) const CANCEL_HELP: &str = "\
At least one of --endpoint, --message and --from is needed. What waits is cancelled: an attempt
under way is not stopped. `countersign replay --status cancelled` makes the deliveries after all.

Examples:
  countersign cancel --message msg_1
  countersign cancel --from 2026-11-20T00:00:00Z --type invoice.paid --count

Exit codes:
  0  done
  1  refused, or the server could not be asked
  2  the arguments, the key or the database can't be used";

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use crate::cli::Cli;

    fn check(command: &Command) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        help.lines().for_each(|line| assert!(line.len() <= 98, "{}: {line}", command.get_name()));
        command.get_subcommands().for_each(check);
    }

    #[test]
    fn no_line_is_wrapped() {
        check(&Cli::command());
    }
}
