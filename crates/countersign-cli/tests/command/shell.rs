//! `countersign completions` and `countersign man`.

use std::fs;

use crate::run::{Folder, countersign};

#[test]
fn completions_are_printed_for_each_shell() {
    for (shell, part) in [("bash", "_countersign"), ("zsh", "#compdef"), ("fish", "complete -c countersign")]
    {
        let out = countersign(&format!("completions {shell}")).go().out(0);
        assert!(out.contains(part) && out.contains("replay-local"), "{shell}");
    }
    countersign("completions dos").go().err(2);
}

#[test]
fn a_manual_page_is_printed_or_one_written_for_each_command() {
    let page = countersign("man").go().out(0);
    assert!(page.contains(".TH countersign 1") && page.contains("countersign\\-serve(1)"), "{page}");
    let folder = Folder::new();
    countersign("man --folder pages/man1").within(&folder).go().out(0);
    let pages = folder.path("pages/man1");
    for command in
        ["countersign", "countersign-serve", "countersign-endpoint-add", "countersign-replay-local"]
    {
        let page = fs::read_to_string(pages.join(format!("{command}.1"))).expect("a page");
        assert!(page.contains(".SH NAME"), "{page}");
    }
    let serve = fs::read_to_string(pages.join("countersign-serve.1")).expect("a page");
    assert!(serve.contains("COUNTERSIGN_SEAL_KEY") && serve.contains("\\-\\-print\\-config"), "{serve}");
    let blocked = countersign("man --folder pages/man1/countersign.1").within(&folder).go();
    assert!(blocked.err(2).contains("can't be written"));
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    for arguments in ["schemes", "schemes --json", "man", "completions bash"] {
        assert_eq!(countersign(arguments).unread(), (Some(0), String::new()), "{arguments}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_can_not_be_written_is_said_and_is_no_answer() {
    let folder = Folder::new().with("headers.txt", "X-A: 1\n").with("body.json", "{}");
    let verify = "verify --scheme github --secret-env SECRET --headers headers.txt --body body.json";
    for arguments in [
        "schemes",
        "schemes --json",
        "man",
        verify,
        "sign --scheme github --secret-env SECRET --http body.json",
        "listen --port 0",
        "serve --listen 127.0.0.1:0",
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let run = countersign(arguments).env("SECRET", "a secret that is long enough").within(&folder);
        let (code, said) = run.writing_to(full);
        assert!(
            said.contains("error: standard output can't be written: No space left"),
            "{arguments}: {said}"
        );
        assert_eq!(code, Some(2), "{arguments}");
    }
}

#[test]
fn a_verdict_that_nobody_has_read_is_not_good() {
    let folder =
        Folder::new().with("headers.txt", "X-Hub-Signature-256: sha256=00\n").with("body.json", "{}");
    let arguments = "verify --scheme github --secret-env SECRET --headers headers.txt --body body.json";
    let (code, _) =
        countersign(arguments).env("SECRET", "a secret that is long enough").within(&folder).unread();
    assert_eq!(code, Some(2));
}
