// What pages do by themselves while they are looked at. They work without.
"use strict";

// The parts of a page that can change are sent when they have, for as long as the page is looked at.
const main = document.querySelector("[data-stream]");
let seen = main?.dataset.since;
let stream;
let later;

function listen() {
  if (!main || stream || document.hidden) return;
  clearTimeout(later);
  const source = new URL(main.dataset.stream, location);
  source.searchParams.set("since", seen);
  stream = new EventSource(source);
  stream.addEventListener("open", () => tell(true));
  stream.addEventListener("message", take);
  stream.addEventListener("error", lose);
}

function leave() {
  clearTimeout(later);
  stream?.close();
  stream = undefined;
}

// Where a stream has ended the browser asks for another; where it was refused one, later there may be.
function lose() {
  tell(false);
  if (stream.readyState !== EventSource.CLOSED) return;
  leave();
  later = setTimeout(listen, 30000);
}

// Who reads should know when nothing new comes, but not of the seconds between two streams.
const note = document.createElement("p");
note.className = "note warn";
note.role = "status";
note.textContent = "This page is not kept up to date just now. Load it again to see what is new.";
let worried;

function tell(isWell) {
  if (!isWell) {
    worried ??= setTimeout(() => main.prepend(note), 10000);
    return;
  }
  worried = clearTimeout(worried);
  note.remove();
}

// What came last, and what each part was when it came: a button that copies or a detail that was opened has changed
// it since.
let news;
const fresh = new WeakMap();

function take(event) {
  seen = event.lastEventId;
  news = new DOMParser().parseFromString(event.data, "text/html");
  show();
}

// Nothing is taken away from who is at work in it.
function show() {
  if (!news || !getSelection().isCollapsed) return;
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = news.getElementById(old.id);
    if (now && now.innerHTML !== fresh.get(old) && !old.contains(document.activeElement)) replace(old, now);
  }
}

function replace(old, now) {
  const part = document.importNode(now, true);
  fresh.set(part, part.innerHTML);
  const open = [...old.querySelectorAll("details")].map(detail => detail.open);
  const details = [...part.querySelectorAll("details")];
  if (details.length === open.length) details.forEach((detail, place) => { detail.open = open[place]; });
  old.replaceWith(part);
  offerCopies(part);
}

// Texts that are made to be taken elsewhere get a button for it.
function offerCopies(within) {
  if (!navigator.clipboard) return;
  for (const text of within.querySelectorAll("pre[data-copy]")) {
    const [frame, button] = [document.createElement("div"), document.createElement("button")];
    frame.className = "copied";
    button.className = "copy small";
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    });
    text.replaceWith(frame);
    frame.append(text, button);
  }
}

for (const part of document.querySelectorAll("[data-live]")) fresh.set(part, part.innerHTML);
offerCopies(document);
document.addEventListener("selectionchange", show);
document.addEventListener("focusout", () => setTimeout(show));
document.addEventListener("visibilitychange", () => (document.hidden ? leave() : listen()));
addEventListener("pagehide", leave);
addEventListener("pageshow", listen);
