"""The PyPI SDKs behind one protocol: a JSON object a line in, a JSON object a line out.

{"op": "hello"}  -> {"sdks": [{"name", "version", "scheme", "signs", "verifies"}]}
{"op": "sign", "sdk", "secret", "id", "timestamp", "url", "body_b64"}    -> {"headers": [[name, value]]}
{"op": "verify", "sdk", "secret", "url", "headers", "body_b64"}          -> {"accepted": bool}

`accepted` is false only when the SDK says that the signature is wrong. Whatever else it raises comes back as
{"error": text}, so that a crash never passes for a refusal. sdks.mjs speaks the same.
"""

import base64
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from types import SimpleNamespace
from urllib.parse import parse_qsl

import standardwebhooks
import stripe
import svix.webhooks
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key
from discord_interactions import verify_key
from multidict import MultiDict
from nacl.signing import SigningKey
from paddle_billing.Notifications import Secret, Verifier
from sendgrid.helpers.eventwebhook import EventWebhook, EventWebhookHeader
from slack_sdk.signature import SignatureVerifier
from square.utils.webhooks_helper import verify_signature
from twilio.request_validator import RequestValidator

os.environ.pop("TEST_MODE", None)  # set to 1, it makes the Paddle SDK skip the age check


@dataclass
class Request:
    secret: str
    url: str
    body: bytes
    id: str = ""
    timestamp: int = 0
    headers: tuple = ()

    def header(self, name: str) -> str:
        return next(value for key, value in self.headers if key.lower() == name.lower())

    @property
    def time(self) -> datetime:
        return datetime.fromtimestamp(self.timestamp, timezone.utc)


@dataclass
class Sdk:
    package: str
    scheme: str
    sign: Callable | None = None
    verify: Callable | None = None
    refusals: tuple = ()


def standardwebhooks_sign(r):
    signature = standardwebhooks.Webhook(r.secret).sign(r.id, r.time, r.body.decode())
    return {"webhook-id": r.id, "webhook-timestamp": str(r.timestamp), "webhook-signature": signature}


def standardwebhooks_verify(r):
    standardwebhooks.Webhook(r.secret).verify(r.body, dict(r.headers))
    return True


def svix_sign(r):
    signature = svix.webhooks.Webhook(r.secret).sign(r.id, r.time, r.body.decode())
    return {"svix-id": r.id, "svix-timestamp": str(r.timestamp), "svix-signature": signature}


def svix_verify(r):
    svix.webhooks.Webhook(r.secret).verify(r.body, dict(r.headers))
    return True


def stripe_sign(r):
    header = stripe.WebhookSignature.generate_signature_header(r.body.decode(), r.secret, timestamp=r.timestamp)
    return {"Stripe-Signature": header}


def stripe_verify(r):
    stripe.Webhook.construct_event(r.body, r.header("Stripe-Signature"), r.secret, api_key="sk_test_interop")
    return True


def slack_sign(r):
    timestamp = str(r.timestamp)
    signature = SignatureVerifier(r.secret).generate_signature(timestamp=timestamp, body=r.body)
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature}


def slack_verify(r):
    return SignatureVerifier(r.secret).is_valid_request(r.body, dict(r.headers))


def discord_verify(r):
    return verify_key(r.body, r.header("X-Signature-Ed25519"), r.header("X-Signature-Timestamp"), r.secret)


def nacl_sign(r):
    timestamp = str(r.timestamp)
    key = SigningKey(bytes.fromhex(r.secret.removeprefix("seed_")))
    signature = key.sign(timestamp.encode() + r.body).signature.hex()
    return {"X-Signature-Ed25519": signature, "X-Signature-Timestamp": timestamp}


def sendgrid_verify(r):
    signature, timestamp = r.header(EventWebhookHeader.SIGNATURE), r.header(EventWebhookHeader.TIMESTAMP)
    return EventWebhook(r.secret).verify_signature(r.body.decode(), signature, timestamp)


def cryptography_sign(r):
    timestamp = str(r.timestamp)
    key = load_der_private_key(base64.b64decode(r.secret), password=None)
    signature = key.sign(timestamp.encode() + r.body, ec.ECDSA(hashes.SHA256()))
    return {EventWebhookHeader.SIGNATURE: base64.b64encode(signature).decode(), EventWebhookHeader.TIMESTAMP: timestamp}


def paddle_verify(r):
    request = SimpleNamespace(headers={"Paddle-Signature": r.header("Paddle-Signature")}, body=r.body)
    return Verifier().verify(request, Secret(r.secret))


def square_verify(r):
    return verify_signature(
        request_body=r.body.decode(),
        signature_header=r.header("x-square-hmacsha256-signature"),
        signature_key=r.secret,
        notification_url=r.url,
    )


def fields(r):
    return MultiDict(parse_qsl(r.body.decode(), keep_blank_values=True))


def twilio_sign(r):
    return {"X-Twilio-Signature": RequestValidator(r.secret).compute_signature(r.url, fields(r))}


def twilio_verify(r):
    return RequestValidator(r.secret).validate(r.url, fields(r), r.header("X-Twilio-Signature"))


SDKS = {
    f"pypi/{sdk.package}": sdk
    for sdk in (
        Sdk("standardwebhooks", "standard-webhooks", standardwebhooks_sign, standardwebhooks_verify,
            (standardwebhooks.WebhookVerificationError,)),
        Sdk("svix", "svix", svix_sign, svix_verify, (svix.webhooks.WebhookVerificationError,)),
        Sdk("stripe", "stripe", stripe_sign, stripe_verify, (stripe.SignatureVerificationError,)),
        Sdk("slack_sdk", "slack", slack_sign, slack_verify),
        Sdk("discord-interactions", "discord", verify=discord_verify),
        Sdk("PyNaCl", "discord", sign=nacl_sign),
        Sdk("sendgrid", "sendgrid", verify=sendgrid_verify),
        Sdk("cryptography", "sendgrid", sign=cryptography_sign),
        Sdk("paddle-python-sdk", "paddle", verify=paddle_verify),
        Sdk("squareup", "square", verify=square_verify),
        Sdk("twilio", "twilio", twilio_sign, twilio_verify),
    )
}


def hello():
    return {"sdks": [
        {"name": name, "version": version(sdk.package), "scheme": sdk.scheme,
         "signs": sdk.sign is not None, "verifies": sdk.verify is not None}
        for name, sdk in SDKS.items()
    ]}


def answer(line):
    if line["op"] == "hello":
        return hello()
    sdk = SDKS[line["sdk"]]
    request = Request(line["secret"], line["url"], base64.b64decode(line["body_b64"]),
                      line.get("id", ""), line.get("timestamp", 0), line.get("headers", ()))
    if line["op"] == "sign":
        return {"headers": list(sdk.sign(request).items())}
    try:
        return {"accepted": sdk.verify(request)}
    except sdk.refusals:
        return {"accepted": False}


def main():
    protocol = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what an SDK prints goes to stderr, not among the answers
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(reply), file=protocol, flush=True)


if __name__ == "__main__":
    main()
