// What htmx leaves to a page that is kept up to date: when it listens, and what is left to who is at work in it.
"use strict";

const main = document.querySelector("[sse-connect]");
const stale = document.getElementById("stale");
const url = new URL(main.getAttribute("sse-connect"), location);
let stream;
let worried;

// There is one stream at a time: htmx may still ask again for one that was refused when the page has another.
htmx.createEventSource = from => {
  stream?.close();
  stream = new EventSource(from);
  return stream;
};

// A page listens while it is looked at, and no text is marked in it. A stream begins with what was missed.
function listen() {
  const listens = !document.hidden && getSelection().isCollapsed;
  if (listens === main.hasAttribute("sse-connect")) return;
  stream?.close();
  if (listens) main.setAttribute("sse-connect", url);
  else main.removeAttribute("sse-connect");
  htmx.process(main);
}

main.addEventListener("htmx:sseMessage", ({ detail }) => {
  url.searchParams.set("since", detail.lastEventId);
  main.setAttribute("sse-connect", url);
});

// Who reads should know when nothing new comes, but not of the seconds between two streams.
main.addEventListener("htmx:sseError", () => {
  worried ??= setTimeout(() => { stale.hidden = false; }, 10000);
});
main.addEventListener("htmx:sseOpen", () => {
  worried = clearTimeout(worried);
  stale.hidden = true;
});

// What was opened stays open, and what the keyboard is at stays.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = name => name !== "open";
Idiomorph.defaults.callbacks.beforeNodeRemoved = node => !node.contains(document.activeElement);

document.addEventListener("visibilitychange", listen);
document.addEventListener("selectionchange", listen);
listen();
