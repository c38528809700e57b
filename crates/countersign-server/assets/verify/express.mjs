import express from "express";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const app = express();

// The body as it arrived: read as JSON and written again, it would be another.
app.post("/hooks", express.raw({ type: "*/*" }), (request, response) => {
  let event;
  try {
    event = webhook.verify(request.body.toString(), request.headers);
  } catch {
    return response.sendStatus(401);
  }
  console.log(event.type);
  response.sendStatus(200);
});

app.listen(3000);
