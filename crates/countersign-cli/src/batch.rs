//! Batches: one JSON object a line in, one JSON object a line out, in order.
//!
//! This is how the test suites of other languages use the command. Each answer is written before the
//! next line is read, so that a program can converse through pipes. A line that can't be used is
//! answered as such, and the next one is read. Blank lines are passed over.

use std::{
    io::{self, BufRead, Read as _, Write},
    process::ExitCode,
};

use countersign::Scheme;
use serde::Serialize;
use serde_json::Value;

use self::case::{Case, Refusal};
use crate::{input::MAX_BYTES, output, report::Report};

mod case;
mod sign;
mod verify;

/// Answers each line of standard input with whether it is valid. `own` is known beside the catalogue.
pub(crate) fn verify(own: Option<Scheme>) -> anyhow::Result<ExitCode> {
    run(|case| {
        let report = case.and_then(|case| verify::judge(&case, own.as_ref()));
        report.unwrap_or_else(|refusal| Report::of(false, refusal.kind).saying(refusal.why))
    })
}

/// Signs each line of standard input. `own` is known beside the catalogue.
pub(crate) fn sign(own: Option<Scheme>) -> anyhow::Result<ExitCode> {
    run(|case| sign::Answer::from(case.and_then(|case| sign::sign(&case, own.as_ref()))))
}

fn run<A: Serialize>(answer: impl Fn(Result<Case, Refusal>) -> A) -> anyhow::Result<ExitCode> {
    each_line(io::stdin().lock(), output::plain(), MAX_BYTES, answer)?;
    Ok(ExitCode::SUCCESS)
}

/// An answer behind the id of its case.
#[derive(Serialize)]
struct Line<A> {
    id: Value,
    #[serde(flatten)]
    answer: A,
}

fn each_line<A: Serialize>(
    mut from: impl BufRead,
    mut to: impl Write,
    limit: u64,
    answer: impl Fn(Result<Case, Refusal>) -> A,
) -> io::Result<()> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if from.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let cut = line.len() as u64 == limit && !line.ends_with(b"\n") && from.skip_until(b'\n')? > 0;
        let case = match line.trim_ascii() {
            _ if cut => Err(Refusal::malformed(format!("is longer than {limit} bytes")).at_line(number)),
            b"" => continue,
            text => Case::parse(text, number),
        };
        let id = case.as_ref().map_or(Value::Null, |case| case.id.clone());
        serde_json::to_writer(&mut to, &Line { id, answer: answer(case) })?;
        to.write_all(b"\n")?;
        to.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_answered_and_passed_over() {
        let lines = b"{\"id\":1}\n\n{\"id\":\"long\"}\r\n{\"id\":2}".as_slice();
        let mut out = Vec::new();
        let answer = |case: Result<Case, Refusal>| match case {
            Ok(_) => Report::of(true, "ok"),
            Err(refusal) => Report::of(false, refusal.kind).saying(refusal.why),
        };
        each_line(lines, &mut out, 9, answer).expect("lines");
        let out = String::from_utf8(out).expect("text");
        let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(
            lines.iter().map(|line| line["id"].clone()).collect::<Vec<_>>(),
            [1.into(), Value::Null, 2.into()]
        );
        assert_eq!(lines[1]["error"], "line 3: is longer than 9 bytes");
    }
}
