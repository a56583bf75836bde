// Keys: "/" to the search box, "g" and a letter to a section, "j" and "k" through the rows, "?" for all of them.
"use strict";
(() => {
  const dialog = document.getElementById("keys");
  const WAIT = 1500;  // ms in which the letter must follow the "g"
  let going = 0;

  const actions = {
    "/": () => { const box = document.querySelector("form.find input[type=search]"); if (box) { box.focus(); box.select(); } return box; },
    "?": () => dialog && (dialog.showModal(), true),
    j: () => step(1),
    k: () => step(-1),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    if (event.key === "Escape" && typing && !event.defaultPrevented) { event.target.blur(); return; }
    if (typing || (dialog && dialog.open)) return;
    if (Date.now() - going < WAIT) {
      going = 0;
      const link = document.querySelector(`nav.sections a[data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); location.href = link.href; }
      return;
    }
    if (event.key === "g") { going = Date.now(); return; }
    if (Object.hasOwn(actions, event.key) && actions[event.key]()) event.preventDefault();
  });

  // A row is the first link in it; rows without any are passed over.
  function step(by) {
    const links = Array.from(document.querySelectorAll("main tbody tr, main .rows > *"), (row) => row.querySelector("a[href]"))
      .filter((link) => link && link.checkVisibility());
    if (!links.length) return false;
    const row = document.activeElement.closest("tr, .rows > *");
    const here = row ? links.findIndex((link) => row.contains(link)) : -1;
    const next = here < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, here + by));
    links[next].focus();
    links[next].scrollIntoView({ block: "nearest" });
    return true;
  }

  for (const button of document.querySelectorAll("button[data-keys]")) {
    button.hidden = !dialog;
    button.addEventListener("click", () => dialog.showModal());
  }
})();
