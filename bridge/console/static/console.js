// What the pages do more where scripts run: they follow what happens, and listen to keys. Without it all of them work.
"use strict";

(() => {
  const live = document.getElementById("live");
  const alive = document.getElementById("alive");
  const help = document.getElementById("help");
  const path = live && live.dataset.live;
  let stream = null;
  let paused = false;
  let said = "";

  const say = (sentence) => {
    if (alive && sentence !== said) alive.textContent = said = sentence;
  };

  // --- following ---

  // What somebody opened, or is reading with the keyboard or a selection, stays as it is.
  const isInUse = (part) => {
    const selection = document.getSelection();
    if (selection && !selection.isCollapsed && part.contains(selection.anchorNode)) return true;
    const active = document.activeElement;
    return active !== null && active !== part && part.contains(active) && active.matches("input, select, textarea");
  };

  const keep = (before, after) => {
    const opened = [...before.querySelectorAll("details:not([id])")].map((each) => each.open);
    after.querySelectorAll("details:not([id])").forEach((each, number) => { each.open = opened[number] || false; });
    after.querySelectorAll("details[id]").forEach((each) => { each.open = before.querySelector(`#${each.id}[open]`) !== null; });
    const scrolled = [...before.querySelectorAll(".scroll")].map((each) => [each.scrollLeft, each.scrollTop]);
    return () => after.querySelectorAll(".scroll").forEach((each, number) => {
      if (scrolled[number]) [each.scrollLeft, each.scrollTop] = scrolled[number];
    });
  };

  // The element that has the focus, as the path of its places: it has it again in what comes in its stead.
  const placeOf = (part) => {
    const places = [];
    for (let each = document.activeElement; each && each !== part; each = each.parentElement) {
      if (!each.parentElement || !part.contains(each)) return null;
      places.unshift([...each.parentElement.children].indexOf(each));
    }
    return places.length ? places : null;
  };

  const replace = (before, after) => {
    const focused = before.contains(document.activeElement) ? placeOf(before) : null;
    const scroll = keep(before, after);
    before.replaceWith(after);
    scroll();
    if (focused) {
      const again = focused.reduce((each, place) => each && each.children[place], after);
      if (again) again.focus({ preventScroll: true });
    }
  };

  const show = (html) => {
    const made = new DOMParser().parseFromString(html, "text/html").body;
    const parts = [...made.children];
    const present = [...live.children];
    const isSame = parts.length === present.length
      && parts.every((each, number) => each.dataset.part === present[number].dataset.part);
    if (!isSame) {
      if (!isInUse(live)) live.replaceChildren(...parts);
      return;
    }
    parts.forEach((after, number) => {
      const before = present[number];
      if (after.outerHTML !== before.dataset.shown && !isInUse(before)) {
        const shown = after.outerHTML;
        replace(before, after);
        after.dataset.shown = shown;
      }
    });
  };

  const follow = () => {
    stream = new EventSource(path);
    stream.onopen = () => say("Following.");
    stream.onmessage = (event) => { if (!paused) show(event.data); };
    stream.onerror = () => {
      say(`Not following: the ${live.dataset.server || "console"} does not answer. It is tried again.`);
      // A stream that was refused is not opened again by the browser.
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => { if (!document.hidden) follow(); }, 5000);
    };
    stream.addEventListener("ended", () => { stream.close(); location.reload(); });
  };

  // A page nobody looks at costs nothing.
  const attend = () => {
    if (document.hidden) {
      if (stream) stream.close();
      stream = null;
    } else if (!stream) {
      follow();
    }
  };

  if (path && "EventSource" in window) {
    document.addEventListener("visibilitychange", attend);
    addEventListener("pagehide", () => { if (stream) stream.close(); stream = null; });
    attend();
  }

  // --- keys ---

  const rows = () => [...document.querySelectorAll("article.concern, tbody tr")].filter((each) => each.offsetParent);

  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((each) => each.contains(document.activeElement));
    const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
    const target = next.querySelector("a, button, summary") || next;
    if (target === next) next.tabIndex = -1;
    target.focus();
  };

  const pause = () => {
    paused = !paused;
    say(paused ? "Stopped. Press . to follow again." : "Following.");
  };

  let leads = false;
  const keys = {
    "?": () => help && !help.open && help.showModal(),
    "/": () => { const field = document.querySelector("main input[type=search]"); if (field) field.focus(); },
    j: () => move(1),
    k: () => move(-1),
    ".": pause,
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target instanceof Element && event.target.matches("input, select, textarea, [contenteditable]")) return;
    if (help && help.open) return;
    if (leads) {
      leads = false;
      const link = [...document.querySelectorAll("nav a[data-key]")].find((each) => each.dataset.key === event.key);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    if (event.key === "g") { leads = true; setTimeout(() => { leads = false; }, 1500); return; }
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  const button = document.getElementById("show-help");
  if (button && help) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
})();
