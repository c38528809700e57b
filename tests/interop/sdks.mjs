// The npm SDKs behind one protocol: a JSON object a line in, a JSON object a line out. sdks.py documents it.

import { createPrivateKey, sign as sign_ed25519 } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import "@shopify/shopify-api/adapters/node";
import { ApiVersion, LogSeverity, shopifyApi } from "@shopify/shopify-api";
import * as octokit from "@octokit/webhooks-methods";
import { Paddle } from "@paddle/paddle-node-sdk";
import { EventWebhook, EventWebhookHeader } from "@sendgrid/eventwebhook";
import { verifyKey } from "discord-interactions";
import * as standardwebhooks from "standardwebhooks";
import Stripe from "stripe";
import * as svix from "svix";
// By its file: the package's index needs axios, which nothing here uses.
import validateSignature from "./node_modules/@line/bot-sdk/dist/validate-signature.js";

const stripe = new Stripe("sk_test_interop");
const paddle = new Paddle("interop");

const SDKS = {
  "npm/standardwebhooks": {
    scheme: "standard-webhooks",
    sign: (r) => ({
      "webhook-id": r.id,
      "webhook-timestamp": String(r.timestamp),
      "webhook-signature": new standardwebhooks.Webhook(r.secret).sign(r.id, r.time, r.body),
    }),
    verify: (r) => {
      new standardwebhooks.Webhook(r.secret).verify(r.body, Object.fromEntries(r.headers));
      return true;
    },
    refusal: standardwebhooks.WebhookVerificationError,
  },
  "npm/svix": {
    scheme: "svix",
    sign: (r) => ({
      "svix-id": r.id,
      "svix-timestamp": String(r.timestamp),
      "svix-signature": new svix.Webhook(r.secret).sign(r.id, r.time, r.body),
    }),
    verify: (r) => {
      new svix.Webhook(r.secret).verify(r.body, Object.fromEntries(r.headers));
      return true;
    },
    refusal: svix.WebhookVerificationError,
  },
  "npm/stripe": {
    scheme: "stripe",
    sign: (r) => ({
      "Stripe-Signature": stripe.webhooks.generateTestHeaderString({
        payload: r.text,
        secret: r.secret,
        timestamp: r.timestamp,
      }),
    }),
    verify: (r) => {
      stripe.webhooks.constructEvent(r.body, r.header("Stripe-Signature"), r.secret);
      return true;
    },
    refusal: Stripe.errors.StripeSignatureVerificationError,
  },
  "npm/@octokit/webhooks-methods": {
    scheme: "github",
    sign: async (r) => ({ "X-Hub-Signature-256": await octokit.sign(r.secret, r.text) }),
    verify: (r) => octokit.verify(r.secret, r.text, r.header("X-Hub-Signature-256")),
  },
  "npm/discord-interactions": {
    scheme: "discord",
    verify: (r) =>
      verifyKey(r.body, r.header("X-Signature-Ed25519"), r.header("X-Signature-Timestamp"), r.secret),
  },
  "node:crypto": {
    scheme: "discord",
    version: process.versions.node,
    sign: (r) => ({
      "X-Signature-Ed25519": ed25519(r.secret, Buffer.concat([Buffer.from(String(r.timestamp)), r.body])),
      "X-Signature-Timestamp": String(r.timestamp),
    }),
  },
  "npm/@sendgrid/eventwebhook": { scheme: "sendgrid", verify: sendgrid_verify },
  "npm/@paddle/paddle-node-sdk": {
    scheme: "paddle",
    verify: (r) => paddle.webhooks.isSignatureValid(r.text, r.secret, r.header("Paddle-Signature")),
  },
  "npm/@line/bot-sdk": {
    scheme: "line",
    verify: (r) => validateSignature(r.body, r.secret, r.header("x-line-signature")),
  },
  "npm/@shopify/shopify-api": { scheme: "shopify", verify: shopify_verify },
};

function sendgrid_verify(r) {
  const webhook = new EventWebhook();
  const key = webhook.convertPublicKeyToECDSA(r.secret);
  const [signature, timestamp] = [r.header(EventWebhookHeader.SIGNATURE()), r.header(EventWebhookHeader.TIMESTAMP())];
  return webhook.verifySignature(key, r.body, signature, timestamp);
}

async function shopify_verify(r) {
  const shopify = shopifyApi({
    apiKey: "interop",
    apiSecretKey: r.secret,
    apiVersion: ApiVersion.July25,
    hostName: "example.com",
    isEmbeddedApp: false,
    logger: { level: LogSeverity.Error },
  });
  const rawRequest = { method: "POST", url: "/", headers: Object.fromEntries(r.headers) };
  const result = await shopify.webhooks.validate({ rawBody: r.text, rawRequest, rawResponse: {} });
  if (!result.valid && result.reason !== "invalid_hmac") throw new Error(`Shopify: ${result.reason}`);
  return result.valid;
}

function ed25519(secret, message) {
  const pkcs8 = Buffer.from("302e020100300506032b657004220420" + secret.replace(/^seed_/, ""), "hex");
  const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  return sign_ed25519(null, message, key).toString("hex");
}

function request(line) {
  const body = Buffer.from(line.body_b64, "base64");
  return {
    ...line,
    body,
    text: body.toString(),
    time: new Date((line.timestamp ?? 0) * 1000),
    header: (name) => line.headers.find(([key]) => key.toLowerCase() === name.toLowerCase())[1],
  };
}

function installed(name) {
  const manifest = new URL(`./node_modules/${name.replace("npm/", "")}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(manifest)).version;
}

function hello() {
  const sdks = Object.entries(SDKS).map(([name, sdk]) => ({
    name,
    version: sdk.version ?? installed(name),
    scheme: sdk.scheme,
    signs: Boolean(sdk.sign),
    verifies: Boolean(sdk.verify),
  }));
  return { sdks };
}

async function answer(line) {
  if (line.op === "hello") return hello();
  const sdk = SDKS[line.sdk];
  if (line.op === "sign") return { headers: Object.entries(await sdk.sign(request(line))) };
  try {
    return { accepted: await sdk.verify(request(line)) };
  } catch (error) {
    if (sdk.refusal && error instanceof sdk.refusal) return { accepted: false };
    throw error;
  }
}

// What an SDK prints goes to stderr, not among the answers.
for (const level of ["log", "info", "debug"]) console[level] = console.error;

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = await answer(JSON.parse(line));
  } catch (error) {
    reply = { error: String(error).slice(0, 200) };
  }
  process.stdout.write(JSON.stringify(reply) + "\n");
}
