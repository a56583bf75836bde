// Type-ahead, theme, small buttons. Every page works without it.
"use strict";
(() => {
  const scripted = (selector) => Array.from(document.querySelectorAll(selector));

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
      else if (event.key === "Escape") { event.preventDefault(); close(); }
      else if (event.key === "Enter" && chosen >= 0) { event.preventDefault(); location.href = list.children[chosen].dataset.href; }
    });
  }

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

  // On a narrow screen the sections scroll: the present one is in sight.
  const present = document.querySelector("nav.sections a[aria-current]");
  if (present) present.parentElement.scrollLeft = present.offsetLeft - (present.parentElement.clientWidth - present.clientWidth) / 2;

  // What can be scrolled sideways can be reached by keys.
  const reach = () => {
    for (const part of document.querySelectorAll(".scroll, .panel")) {
      if (part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).overflowX !== "visible") part.tabIndex = 0;
      else part.removeAttribute("tabindex");
    }
  };
  reach();
  window.addEventListener("resize", reach);
  document.addEventListener("exchanged", reach);

  // What takes long says so: a form that was sent shows that it is being answered.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method === "dialog") return;
    document.body.setAttribute("aria-busy", "true");
    document.getElementById("said").textContent = document.body.dataset.sayLoading;
  });
  window.addEventListener("pageshow", () => { document.body.removeAttribute("aria-busy"); document.getElementById("said").textContent = ""; });

  for (const select of scripted("select[data-submit]")) select.addEventListener("change", () => select.form.requestSubmit());
})();
