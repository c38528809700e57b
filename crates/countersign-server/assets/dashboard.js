// What pages do by themselves while they are looked at. They work without.
"use strict";

const every = 2000;

// Parts of the page that can change are fetched again, unless somebody is at work in them.
async function refresh() {
  if (document.hidden || !getSelection().isCollapsed) return;
  const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = page.getElementById(old.id);
    if (now && now.innerHTML !== fresh.get(old) && !old.contains(document.activeElement)) replace(old, now);
  }
}

// What each part was when it came, which a button that copies or a detail that was opened has changed since.
const fresh = new WeakMap();

function replace(old, now) {
  const part = document.adoptNode(now);
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
const again = () => setTimeout(() => refresh().catch(() => {}).finally(again), every);
if (document.querySelector("[data-live]")) again();
