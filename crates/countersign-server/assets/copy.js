// Buttons that copy the text before them, where a browser lets a page: one that comes by https, or from this machine.
"use strict";

if (navigator.clipboard) document.body.classList.add("copies");

document.addEventListener("click", async ({ target }) => {
  if (!target.matches(".copy")) return;
  await navigator.clipboard.writeText(target.previousElementSibling.textContent);
  target.textContent = "Copied";
});
