// Keeps the part of the page up to date that can change by itself, while it is looked at.
"use strict";

const every = 3000;

async function refresh() {
  const old = document.getElementById("live");
  if (document.hidden || old.contains(document.activeElement) || !getSelection().isCollapsed) return;
  const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.getElementById("live");
  if (now && now.innerHTML !== old.innerHTML) old.replaceWith(document.adoptNode(now));
}

setInterval(() => refresh().catch(() => {}), every);
