"""What is signed and with what: bodies, secrets, unsigned headers, and known disagreements."""

import base64
import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from nacl.signing import SigningKey


@dataclass(frozen=True)
class Scheme:
    secret: str
    other: str  # of the same form, unknown to the receiver
    receiver: str = ""  # what the receiver holds, where that is not the secret itself
    headers: dict = field(default_factory=dict)  # sent along by the provider, not signed

    @property
    def held(self) -> str:
        return self.receiver or self.secret


def digest(label: str) -> bytes:
    return hashlib.sha256(f"countersign interop {label}".encode()).digest()


def base64_pair(scheme: str) -> Scheme:
    return Scheme(*(f"whsec_{base64.b64encode(digest(f'{scheme} {n}')).decode()}" for n in (1, 2)))


def text_pair(prefix: str, **rest) -> Scheme:
    return Scheme(f"{prefix}_test_interop_secret_0001", f"{prefix}_test_interop_secret_0002", **rest)


def ed25519_pair(scheme: str) -> Scheme:
    seeds = [digest(f"{scheme} {n}") for n in (1, 2)]
    public = SigningKey(seeds[0]).verify_key.encode().hex()
    return Scheme(*(f"seed_{seed.hex()}" for seed in seeds), receiver=public)


def p256_pair(scheme: str) -> Scheme:
    keys = [ec.derive_private_key(int.from_bytes(digest(f"{scheme} {n}")), ec.SECP256R1()) for n in (1, 2)]
    secrets = [key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()) for key in keys]
    public = keys[0].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Scheme(*(base64.b64encode(der).decode() for der in secrets), receiver=base64.b64encode(public).decode())


SCHEMES = {
    "standard-webhooks": base64_pair("standard-webhooks"),
    "svix": base64_pair("svix"),
    "stripe": text_pair("whsec"),
    "github": text_pair("github", headers={
        "X-GitHub-Event": "issues",
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    }),
    "slack": text_pair("slack"),
    "discord": ed25519_pair("discord"),
    "sendgrid": p256_pair("sendgrid"),
    "paddle": text_pair("pdl_ntfset"),
    "line": text_pair("line"),
    "square": text_pair("square"),
    "shopify": text_pair("shopify", headers={
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Shop-Domain": "interop.myshopify.com",
        "X-Shopify-API-Version": "2025-07",
        "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
    }),
    "twilio": text_pair("twilio", headers={
        "Content-Type": "application/x-www-form-urlencoded",
        "I-Twilio-Idempotency-Token": "0b0d8f0e-6c5b-4a58-9d0e-3a1a4f1b2c3d",
    }),
}


def large(size: int = 100 * 1024) -> bytes:
    head, tail = b'{"id":"evt_large","padding":"', b'"}'
    return head + b"x" * (size - len(head) - len(tail)) + tail


BODIES = {
    "plain": b'{"id":"evt_1","type":"invoice.paid","data":{"amount":1250,"currency":"EUR"}}',
    "unicode": '{"id":"evt_2","name":"é 🎉","escaped":"\\u00e9","link":"a\\/b"}'.encode(),
    "empty object": b"{}",
    "odd spacing": b'{ "id" :\t"evt_3",\r\n  "list" : [ 1 ,2,  3.0 ]\n}\n',
    "100 KB": large(),
    "form": b"payload=%7B%22id%22%3A%22evt_4%22%7D&text=a+b%26c",
    "not UTF-8": b'{"id":"evt_5","name":"caf\xe9"}',
}

FORM_SCHEMES = {"github", "slack"}  # these providers send forms; some of the other SDKs parse JSON as they verify

FORMS = {
    "plain": b"CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309",
    "unicode": "Body=é+🎉+%C3%A9&From=%2B1415".encode(),
    "names that begin alike": b"ReasonConferenceEnded=test&Reason=Participant&reason=lower",
    "several of one name": b"Address=%2B1415&Address=%2B1325&Address=%2B1415&Empty=&Alone",
}


def bodies_for(scheme: str) -> dict[str, bytes]:
    if scheme == "twilio":
        return FORMS
    return {name: body for name, body in BODIES.items() if name != "form" or scheme in FORM_SCHEMES}


# Cases where an SDK cannot agree with us, each with its reason. They still run: an SDK that has come to agree
# fails the run until its line goes.
TEXT_ONLY = "the SDK hashes the body as UTF-8 text; we hash the bytes as they are"
EXCLUDED = {
    (sdk, "not UTF-8"): TEXT_ONLY
    for sdk in (
        "pypi/standardwebhooks", "pypi/svix", "pypi/stripe", "pypi/slack_sdk", "pypi/paddle-python-sdk",
        "pypi/squareup", "pypi/sendgrid", "npm/standardwebhooks", "npm/svix", "npm/stripe", "npm/@octokit/webhooks-methods",
        "npm/@paddle/paddle-node-sdk", "npm/@sendgrid/eventwebhook", "npm/@shopify/shopify-api",
    )
}


def altered(body: bytes) -> bytes:
    """The body with its first letter or digit changed to another, or its first byte where it has none."""
    at = next((i for i, byte in enumerate(body) if chr(byte).isascii() and chr(byte).isalnum()), 0)
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
