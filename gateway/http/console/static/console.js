// Shortcuts, live parts and toasts. What they do is said in data attributes; every page works without this.
"use strict";
(() => {
  const find = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const help = find("#help");
  let chosen = null;

  const items = () => all("[data-list] [data-item]");
  const choose = (item) => {
    chosen?.classList.remove("chosen");
    chosen = item;
    chosen.classList.add("chosen");
    chosen.focus({ preventScroll: true });
    chosen.scrollIntoView({ block: "nearest" });
  };
  const move = (step) => {
    const there = items();
    if (!there.length) return;
    const at = there.indexOf(chosen);
    choose(there[at < 0 ? (step > 0 ? 0 : there.length - 1) : Math.min(Math.max(at + step, 0), there.length - 1)]);
  };
  const shown = (element) => element.getClientRects().length > 0;
  const press = (key) => {
    const quoted = CSS.escape(key);
    const within = chosen && all(`[data-key="${quoted}"]`, chosen).find(shown);
    const target = within || all(`[data-key="${quoted}"]`).find((each) => shown(each) && !each.closest("[data-item]"));
    target?.click();
    return Boolean(target);
  };
  const keys = {
    j: () => move(1),
    k: () => move(-1),
    Enter: () => find("[data-open]", chosen ?? document.createElement("i"))?.click(),
    "/": () => filter()?.focus(),
    "?": () => { sortKeys(); help?.showModal(); },
  };
  const filter = () => find("[data-search]") ?? find("form[role=search] :is(select, input:not([type=hidden]))");
  // Which keys do something here, as the help's rows name them.
  const here = () => {
    const names = new Set(all("[data-act]").filter(shown).map((each) => each.dataset.act));
    if (items().length) ["move", "open"].forEach((name) => names.add(name));
    if (filter()) names.add("filter");
    return names.add("help");
  };
  const sortKeys = () => {
    const names = here();
    for (const row of all("[data-row]", help)) find(names.has(row.dataset.row) ? "[data-keys]" : "[data-elsewhere]", help).append(row);
  };
  const line = find("[data-line]");
  if (line && help) {
    const names = here();
    for (const row of all("[data-row]", help).filter((each) => names.has(each.dataset.row))) {
      const entry = document.createElement("span");
      entry.append(...[...find("dt", row).childNodes].map((each) => each.cloneNode(true)), ` ${find("dd", row).textContent}`);
      line.append(entry);
    }
    line.hidden = false;
  }
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Escape" && typing) typing.blur();
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && event.key.length === 1 && !"jk".includes(event.key)) return;
    if (typing || help?.open) return;
    if (event.key === "Enter" && !(event.target.matches("[data-item]"))) return;
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    } else if (event.key.length === 1 && press(event.key)) {
      event.preventDefault();
    }
  });
  document.addEventListener("focusin", (event) => {
    const item = event.target.closest?.("[data-item]");
    if (item && item !== chosen) {
      chosen?.classList.remove("chosen");
      chosen = item;
      chosen.classList.add("chosen");
    }
  });

  // A page is fetched again and its live parts put in place; the browser parses it as a document, where no script runs.
  const refresh = (seconds) => {
    const again = () => setTimeout(() => refresh(seconds), seconds * 1000);
    const parts = all("[data-live]");
    if (document.hidden || parts.some((part) => part.contains(document.activeElement) && document.activeElement !== part)) return again();
    const address = new URL(location.href);
    address.searchParams.set("live", "1");
    address.searchParams.delete("done");
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.timeout = 10000;
    request.onload = () => {
      if (request.status === 401) return location.reload();
      if (request.status === 200 && request.response) {
        for (const part of parts) {
          const fresh = request.response.getElementById(part.id);
          if (fresh) part.replaceWith(document.adoptNode(fresh));
        }
      }
      again();
    };
    request.onerror = request.ontimeout = again;
    request.send();
  };
  const live = find("[data-live]");
  if (live) setTimeout(() => refresh(Number(live.dataset.live)), Number(live.dataset.live) * 1000);

  const toasts = () => {
    for (const toast of all("[data-toast]")) {
      const left = Math.ceil((Number(toast.dataset.until) - Date.now()) / 1000);
      if (left <= 0) toast.remove();
      else find(".left", toast).textContent = `${left} s`;
    }
    if (find("[data-toast]")) setTimeout(toasts, 250);
  };
  toasts();
})();
