// Parts that refresh themselves. A part with data-live="seconds" asks for its own page again; an unchanged page costs a 304.
"use strict";
(() => {
  const words = document.body.dataset;
  const lost = document.getElementById("lost");
  const clock = () => new Date().toLocaleTimeString(document.documentElement.lang);
  let silent = null;  // since when the server gives no answer

  for (const part of document.querySelectorAll("[data-live]")) {
    const status = document.getElementById(part.id + "-live");
    let tag = part.dataset.etag || null;
    const ask = async () => {
      if (document.hidden) return;
      try {
        const answer = await fetch(location.href, {
          headers: tag ? { "If-None-Match": tag } : {}, credentials: "same-origin", redirect: "manual", cache: "no-store",
        });
        if (answer.type === "opaqueredirect" || answer.status === 401) { location.reload(); return; }
        if (answer.status === 200) {
          tag = answer.headers.get("ETag");
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          const fresh = page.getElementById(part.id);
          if (fresh) exchange(part, fresh);
        } else if (answer.status !== 304) { throw new Error(String(answer.status)); }
        answered(status);
      } catch (error) {
        unanswered();
      }
    };
    setInterval(ask, Number(part.dataset.live) * 1000);
    document.addEventListener("visibilitychange", ask);
    window.addEventListener("online", ask);
  }

  // The time of the last look is for eyes only: read aloud every few seconds it would drown everything else.
  function answered(status) {
    silent = null;
    lost.hidden = true;
    document.body.classList.remove("old");
    if (!status) return;
    const seen = document.createElement("span");
    seen.setAttribute("aria-hidden", "true");
    seen.textContent = words.sayChecked + " " + clock();
    status.replaceChildren(seen);
  }

  function unanswered() {
    if (silent !== null) return;
    silent = clock();
    lost.textContent = lost.dataset.say + " " + silent + ": " + lost.dataset.more;
    lost.hidden = false;
    document.body.classList.add("old");
  }

  // New and changed rows are marked for a moment; the focused link keeps its focus, an opened detail stays open.
  function exchange(part, fresh) {
    const before = new Map(Array.from(part.querySelectorAll("[data-key]"), (row) => [row.dataset.key, row.textContent]));
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const opened = new Set(Array.from(part.querySelectorAll("details[open][id]"), (detail) => detail.id));
    part.replaceChildren(...fresh.childNodes);
    for (const row of part.querySelectorAll("[data-key]")) {
      if (before.get(row.dataset.key) !== row.textContent) row.classList.add("changed");
    }
    for (const detail of part.querySelectorAll("details[id]")) if (opened.has(detail.id)) detail.open = true;
    if (focused) {
      const link = Array.from(part.querySelectorAll("a")).find((one) => one.getAttribute("href") === focused);
      if (link) link.focus();
    }
    part.dispatchEvent(new CustomEvent("exchanged", { bubbles: true }));
  }
})();
