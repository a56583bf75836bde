// Live refresh, type-ahead and keys. Every page works without it.
"use strict";
(() => {
  const words = document.body.dataset;
  const scripted = (selector) => Array.from(document.querySelectorAll(selector));

  // A part with data-live="seconds" asks for its own page again; an unchanged page costs a 304.
  for (const part of scripted("[data-live]")) {
    const status = document.getElementById(part.id + "-live");
    let tag = part.dataset.etag || null;
    const say = (text, lost) => {
      if (!status) return;
      status.textContent = text;
      status.classList.toggle("lost", lost);
    };
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
        say(words.sayChecked + " " + new Date().toLocaleTimeString(document.documentElement.lang), false);
      } catch (error) {
        say(words.sayLost, true);
      }
    };
    setInterval(ask, Number(part.dataset.live) * 1000);
    document.addEventListener("visibilitychange", ask);
  }

  // New and changed rows are marked for a moment; the focused link keeps its focus.
  function exchange(part, fresh) {
    const before = new Map(Array.from(part.querySelectorAll("tr[data-key]"), (row) => [row.dataset.key, row.textContent]));
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    part.replaceChildren(...fresh.childNodes);
    for (const row of part.querySelectorAll("tr[data-key]")) {
      if (before.get(row.dataset.key) !== row.textContent) row.classList.add("changed");
    }
    if (focused) {
      const link = Array.from(part.querySelectorAll("a")).find((one) => one.getAttribute("href") === focused);
      if (link) link.focus();
    }
  }

  // Type-ahead of the search box.
  for (const form of scripted("form.find")) {
    const input = form.querySelector("input[type=search]");
    const list = form.querySelector(".options");
    if (!input || !list) continue;
    let timer = 0, latest = 0, chosen = -1;
    const close = () => { list.hidden = true; chosen = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
    const choose = (index) => {
      const options = Array.from(list.children);
      chosen = (index + options.length) % options.length;
      options.forEach((option, place) => option.setAttribute("aria-selected", String(place === chosen)));
      input.setAttribute("aria-activedescendant", options[chosen].id);
      options[chosen].scrollIntoView({ block: "nearest" });
    };
    const show = (rows) => {
      list.replaceChildren(...rows.map((row, place) => {
        const option = document.createElement("li");
        option.id = input.id + "-" + place;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        const number = document.createElement("b");
        number.textContent = row.account_no || row.usage_point;
        const name = document.createElement("span");
        name.textContent = row.name || "";
        const address = document.createElement("small");
        address.textContent = [row.address, row.transformer].filter(Boolean).join(" · ");
        option.append(number, name, address);
        const target = row.account_no ? "/customers/" + encodeURIComponent(row.account_no) : "/customers?q=" + encodeURIComponent(row.usage_point);
        option.dataset.href = target;
        option.addEventListener("mousedown", (event) => { event.preventDefault(); location.href = target; });
        return option;
      }));
      chosen = -1;
      list.hidden = rows.length === 0;
      input.setAttribute("aria-expanded", String(rows.length > 0));
    };
    const ask = async () => {
      const turn = ++latest;
      const text = input.value.trim();
      if (text.length < 2) { close(); return; }
      try {
        const answer = await fetch("/customers.json?limit=8&q=" + encodeURIComponent(text), { credentials: "same-origin", redirect: "manual" });
        if (!answer.ok || turn !== latest) return;
        show((await answer.json()).items);
      } catch (error) { close(); }
    };
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 150); });
    input.addEventListener("blur", () => setTimeout(close, 150));
    input.addEventListener("keydown", (event) => {
      if (list.hidden) return;
      if (event.key === "ArrowDown") { event.preventDefault(); choose(chosen + 1); }
      else if (event.key === "ArrowUp") { event.preventDefault(); choose(chosen - 1); }
      else if (event.key === "Escape") { close(); }
      else if (event.key === "Enter" && chosen >= 0) { event.preventDefault(); location.href = list.children[chosen].dataset.href; }
    });
  }

  // Keys: "/" goes to the search box.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const box = document.querySelector("form.find input[type=search]");
      if (box) { event.preventDefault(); box.focus(); box.select(); }
    }
  });

  for (const button of scripted("button[data-theme-switch]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const root = document.documentElement;
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      localStorage.setItem("theme", root.dataset.theme);
      document.dispatchEvent(new Event("themechange"));
    });
  }
  for (const button of scripted("button[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
  for (const button of scripted("button[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", () => navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim()));
  }
  // A form that must act once: pressing its button twice sends the same key twice; coming back to it makes a new one.
  window.addEventListener("pageshow", () => {
    for (const input of scripted("input[data-fresh-key]")) {
      input.value = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    }
  });

  for (const select of scripted("select[data-submit]")) select.addEventListener("change", () => select.form.requestSubmit());
})();
