"""Runs every SDK against the receiver and the command, both ways, and prints a table.

SDK -> receiver        the SDK signs: 200 as signed, 401 with one body byte changed, 401 under another secret
SDK -> verify --batch  the SDK signs: valid as signed, invalid with one body byte changed
sign --batch -> SDK    we sign: accepted as signed, refused with one signature byte or one body byte changed
"""

import argparse
import base64
import http.client
import itertools
import json
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from cases import EXCLUDED, SCHEMES, altered, bodies_for

HERE = Path(__file__).resolve().parent
PUBLIC_URL = "https://example.com/webhooks/{scheme}"
SIGNATURE = re.compile(r"[0-9A-Za-z+/]{27,}")  # from SHA-1 in base64 on
TIMEOUT = 30  # seconds, for any one answer

TO_RECEIVER, TO_VERIFY, TO_SDK = "SDK -> receiver", "SDK -> verify --batch", "sign --batch -> SDK"


class Failed(Exception):
    """The other side gave no usable answer."""


@dataclass(frozen=True)
class Sdk:
    peer: "Peer"
    name: str
    version: str
    scheme: str
    signs: bool
    verifies: bool

    def sign(self, secret: str, url: str, event_id: str, body: bytes, now: int) -> list:
        reply = self.peer.ask(op="sign", sdk=self.name, secret=secret, url=url, id=event_id, timestamp=now,
                              body_b64=encoded(body))
        return with_provider_headers(self.scheme, reply["headers"])

    def accepts(self, url: str, headers: list, body: bytes) -> bool:
        return self.peer.ask(op="verify", sdk=self.name, secret=SCHEMES[self.scheme].held, url=url, headers=headers,
                             body_b64=encoded(body))["accepted"]


class Process:
    """A child that answers in lines, read with a deadline and ended by its own id."""

    def __init__(self, command: list, log: Path):
        self.command = command
        self.log = log
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log.open("wb"),
                                      text=True, encoding="utf-8")
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.terminate()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def line(self) -> str:
        try:
            line = self.lines.get(timeout=TIMEOUT)
        except queue.Empty:
            raise Failed(f"{self.command[0]} said nothing for {TIMEOUT} s") from None
        if line is None:
            raise Failed(f"{self.command[0]} ended: {self.log.read_text(errors='replace')[-2000:]}")
        return line


class Peer(Process):
    """sdks.py or sdks.mjs."""

    def ask(self, **question) -> dict:
        try:
            print(json.dumps(question), file=self.child.stdin, flush=True)
        except BrokenPipeError:
            pass  # line() says why
        reply = json.loads(self.line())
        if "error" in reply:
            raise Failed(reply["error"])
        return reply

    def sdks(self) -> list[Sdk]:
        return [Sdk(self, **described) for described in self.ask(op="hello")["sdks"]]


class Receiver(Process):
    """The example server, holding one secret a scheme."""

    def __init__(self, binary: str, work: Path):
        secrets = work / "secrets.json"
        secrets.write_text(json.dumps({name: scheme.held for name, scheme in SCHEMES.items()}))
        super().__init__([binary, str(secrets)], work / "receiver.log")

    def await_address(self):
        announced = re.fullmatch(r"listening on (http://127\.0\.0\.1:(\d+))\s*", self.line())
        if not announced:
            raise Failed(f"{self.command[0]} did not say where it listens")
        self.url, self.port = announced[1], int(announced[2])

    def url_of(self, scheme: str) -> str:
        return f"{self.url}/{scheme}"

    def post(self, scheme: str, headers: list, body: bytes) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            connection.request("POST", f"/{scheme}", body, {"Content-Type": "application/json", **dict(headers)})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise Failed(f"no answer from the receiver: {error!r}") from None
        finally:
            connection.close()


class Command:
    """The countersign command, a batch at a time."""

    def __init__(self, binary: str):
        self.binary = binary

    def sign(self, requests: list[dict]) -> list[dict]:
        return self._batch("sign", requests)

    def verify(self, requests: list[dict]) -> list[dict]:
        return self._batch("verify", requests)

    def _batch(self, verb: str, requests: list[dict]) -> list[dict]:
        lines = "".join(json.dumps(request) + "\n" for request in requests)
        try:
            done = subprocess.run([self.binary, verb, "--batch"], input=lines, capture_output=True, text=True,
                                  encoding="utf-8", timeout=TIMEOUT)
            answers = [json.loads(line) for line in done.stdout.splitlines()]
        except (OSError, subprocess.TimeoutExpired, ValueError) as error:
            raise Failed(f"{verb} --batch: {error}") from None
        if [answer.get("id") for answer in answers] != [request["id"] for request in requests]:
            raise Failed(f"{verb} --batch: not one answer a line, in order: {done.stderr[-500:]}")
        return answers


@dataclass
class Row:
    sdk: Sdk
    direction: str
    passed: int = 0
    failures: list = field(default_factory=list)
    excluded: list = field(default_factory=list)
    note: str = ""

    def check(self, case: str, claim: str, seen, wanted, detail: str = ""):
        """Counts one check; `seen` is what came back, or the Failed that came instead."""
        if seen == wanted:
            self.passed += 1
        else:
            self.failures.append(f"{case}: {claim}: wanted {wanted}, got {seen} {detail}".rstrip())

    def check_disagrees(self, case: str, reason: str, seen, agreed):
        if seen == agreed:
            self.failures.append(f"{case}: excluded because {reason}, but they agree now: drop the exclusion")
        else:
            self.excluded.append((case, reason))

    @property
    def result(self) -> str:
        parts = [f"{self.passed} ok" if self.passed else "", f"{len(self.excluded)} excluded" if self.excluded else "",
                 f"{len(self.failures)} FAILED" if self.failures else "", self.note]
        return ", ".join(part for part in parts if part)


def check_sdk(sdk: Sdk, receiver: Receiver, command: Command) -> list[Row]:
    rows = []
    for direction, able, check, other in (
        (TO_RECEIVER, sdk.signs, check_to_receiver, receiver),
        (TO_VERIFY, sdk.signs, check_to_verify, command),
        (TO_SDK, sdk.verifies, check_to_sdk, command),
    ):
        row = Row(sdk, direction)
        if not able:
            row.note = "not run: it only verifies" if sdk.verifies else "not run: it only signs"
        else:
            try:
                check(row, sdk, other)
            except Failed as failed:
                row.failures.append(str(failed))
        rows.append(row)
    return rows


def check_to_receiver(row: Row, sdk: Sdk, receiver: Receiver):
    url, scheme = receiver.url_of(sdk.scheme), SCHEMES[sdk.scheme]

    def status(secret: str, body: bytes, sent: bytes):
        return outcome(lambda: receiver.post(
            sdk.scheme, sdk.sign(secret, url, next(EVENT_IDS), body, int(time.time())), sent))

    for case, body in bodies_for(sdk.scheme).items():
        as_signed = status(scheme.secret, body, body)
        if reason := EXCLUDED.get((sdk.name, case)):
            row.check_disagrees(case, reason, as_signed, 200)
            continue
        row.check(case, "as signed", as_signed, 200)
        row.check(case, "one body byte changed", status(scheme.secret, body, altered(body)), 401)
        row.check(case, "another secret", status(scheme.other, body, body), 401)


def check_to_verify(row: Row, sdk: Sdk, command: Command):
    url, scheme, now = PUBLIC_URL.format(scheme=sdk.scheme), SCHEMES[sdk.scheme], int(time.time())
    claims = []
    for case, body in bodies_for(sdk.scheme).items():
        headers = outcome(lambda: sdk.sign(scheme.secret, url, next(EVENT_IDS), body, now))
        if isinstance(headers, Failed):
            headers = []
        claims += [(case, body, headers, body, True), (case, body, headers, altered(body), False)]
    answers = command.verify([
        {"id": str(n), "scheme": sdk.scheme, "kind": "signature", "secrets": [scheme.held], "config": {}, "now": now,
         "method": "POST", "url": url, "headers": headers, **carried(sent)}
        for n, (_, _, headers, sent, _) in enumerate(claims)
    ])
    for (case, body, _, sent, wanted), answer in zip(claims, answers):
        if reason := EXCLUDED.get((sdk.name, case)):
            if wanted:
                row.check_disagrees(case, reason, answer.get("valid"), True)
            continue
        claim = "as signed" if sent == body else "one body byte changed"
        row.check(case, claim, answer.get("valid"), wanted, f"({brief(answer)})")


def check_to_sdk(row: Row, sdk: Sdk, command: Command):
    public, scheme, now = PUBLIC_URL.format(scheme=sdk.scheme), SCHEMES[sdk.scheme], int(time.time())
    bodies = bodies_for(sdk.scheme)
    answers = command.sign([
        {"id": case, "scheme": sdk.scheme, "secrets": [scheme.secret], "now": now, "method": "POST", "url": public,
         "event_id": next(EVENT_IDS), "config": {}, **carried(body)}
        for case, body in bodies.items()
    ])
    for (case, body), answer in zip(bodies.items(), answers):
        if not answer.get("headers"):
            row.failures.append(f"{case}: not signed: {brief(answer)}")
            continue
        url = answer.get("url") or public
        headers = with_provider_headers(sdk.scheme, answer["headers"])
        as_signed = outcome(lambda: sdk.accepts(url, headers, body))
        if reason := EXCLUDED.get((sdk.name, case)):
            row.check_disagrees(case, reason, as_signed, True)
            continue
        row.check(case, "as signed", as_signed, True)
        forged = with_signature_changed(headers)
        if forged == headers:
            row.failures.append(f"{case}: found no signature to change in {headers}")
        row.check(case, "one signature byte changed", outcome(lambda: sdk.accepts(url, forged, body)), False)
        row.check(case, "one body byte changed", outcome(lambda: sdk.accepts(url, headers, altered(body))), False)


def outcome(action):
    try:
        return action()
    except Failed as failed:
        return failed


def with_provider_headers(scheme: str, headers: list) -> list:
    present = {name.lower() for name, _ in headers}
    return headers + [[name, value] for name, value in SCHEMES[scheme].headers.items() if name.lower() not in present]


def with_signature_changed(headers: list) -> list:
    """Changes one character inside each signature, within the alphabets of hex and base64."""
    def change(found: re.Match) -> str:
        text = found[0]
        return text[:7] + ("1" if text[7] == "0" else "0") + text[8:]

    return [[name, SIGNATURE.sub(change, value)] for name, value in headers]


def carried(body: bytes) -> dict:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_b64": encoded(body)}


def encoded(body: bytes) -> str:
    return base64.b64encode(body).decode()


def brief(answer: dict) -> str:
    return json.dumps(answer)[:300]


def print_table(rows: list[Row]) -> int:
    cells = [("sdk", "version", "scheme", "direction", "result")]
    cells += [(row.sdk.name, row.sdk.version, row.sdk.scheme, row.direction, row.result) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    for line in cells:
        print("  ".join([text.ljust(width) for text, width in zip(line, widths)] + [line[4]]))
    for reason, group in itertools.groupby(sorted(excluded_of(rows)), key=lambda found: found[0]):
        print(f"\nexcluded: {reason}:")
        for _, case, sdk, directions in group:
            print(f"  {sdk}: {case} ({directions})")
    failures = [f"{row.sdk.name} {row.direction}: {failure}" for row in rows for failure in row.failures]
    if failures:
        print("\nFAILED:")
        for failure in failures:
            print(f"  {failure}")
    checks = sum(row.passed for row in rows) + len(failures)
    print(f"\ninterop: {checks} checks, {len(failures)} failed")
    return len(failures)


def excluded_of(rows: list[Row]) -> list[tuple]:
    found = {}
    for row in rows:
        for case, reason in row.excluded:
            found.setdefault((reason, case, row.sdk.name), []).append(row.direction)
    return [(*key, ", ".join(directions)) for key, directions in found.items()]


EVENT_IDS = (f"msg_interop_{n:04}" for n in itertools.count(1))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--countersign", required=True, help="path of the countersign command")
    options.add_argument("--receiver", required=True, help="path of the interop_server example")
    paths = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("interop: stopped"))

    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="countersign-interop-")))
        try:
            peers = [
                stack.enter_context(Peer([sys.executable, "-B", str(HERE / "sdks.py")], work / "python.log")),
                stack.enter_context(Peer(["node", str(HERE / "sdks.mjs")], work / "node.log")),
            ]
            receiver = stack.enter_context(Receiver(paths.receiver, work))
            receiver.await_address()
            sdks = [sdk for peer in peers for sdk in peer.sdks()]
        except Failed as failed:
            sys.exit(f"interop: could not start: {failed}")
        if {sdk.scheme for sdk in sdks} != set(SCHEMES):
            sys.exit("interop: every scheme needs an SDK, and every SDK a scheme")
        command = Command(paths.countersign)
        rows = [row for sdk in sdks for row in check_sdk(sdk, receiver, command)]
        return 1 if print_table(rows) else 0


if __name__ == "__main__":
    sys.exit(main())
