"use strict";
// Keeps pages up to date. Everything works without it; nothing here makes markup of texts.
(() => {
  const body = document.body;
  const banner = document.getElementById("banner");
  body.classList.add("has-script");

  const say = (text, link) => {
    banner.hidden = !text;
    banner.replaceChildren();
    if (!text) return;
    banner.append(text);
    if (link) {
      const a = document.createElement("a");
      a.href = link;
      a.textContent = body.dataset.signIn;
      banner.append(" ", a);
    }
  };

  // Somebody types in it, or has opened something to act on: it stays as it is.
  const isHeld = (part) => {
    const active = document.activeElement;
    if (active && part.contains(active) && active.matches("input:not([type=hidden]), select, textarea")) return true;
    return part.querySelector("details.act[open]") !== null;
  };

  // Takes the parts marked as live from a newer copy of the page.
  const take = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    for (const old of document.querySelectorAll("[data-live]")) {
      const part = page.getElementById(old.id);
      if (!part || isHeld(old)) continue;
      const open = [...old.querySelectorAll("details[open][id]")].map((one) => one.id);
      for (const id of open) part.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
      if (part.outerHTML === old.outerHTML) continue;
      const active = document.activeElement;
      const focus = active && active !== old && old.contains(active) ? active : null;
      old.replaceWith(document.adoptNode(part));
      if (!focus) continue;
      const same = focus.id
        ? document.getElementById(focus.id)
        : focus.getAttribute("href") && part.querySelector(`a[href="${CSS.escape(focus.getAttribute("href"))}"]`);
      same?.focus({ preventScroll: true });
    }
    document.title = page.title;
    body.dataset.every = page.body.dataset.every;
    body.dataset.loads = String(Number(body.dataset.loads || 0) + 1);
  };

  const live = document.getElementById("live");
  const showLive = () => { if (live) live.textContent = live.dataset.word; };

  let failures = 0;
  let timer = 0;
  const later = () => {
    const every = Number(body.dataset.every) * 1000;
    clearTimeout(timer);
    // A server that does not answer is asked less and less often.
    if (every > 0) timer = setTimeout(load, Math.min(every * 2 ** Math.min(failures, 3), 15000));
  };
  const load = async () => {
    if (document.hidden) return later();
    try {
      const answer = await fetch(location.href, { cache: "no-store", headers: { accept: "text/html" } });
      if (answer.redirected && new URL(answer.url).pathname.endsWith("/sign-in")) {
        say(body.dataset.signedOut, answer.url);
        return;
      }
      if (answer.status >= 500) throw new Error(String(answer.status));
      const text = await answer.text();
      // What is gone is said by its own page, at the next load.
      if (answer.ok) take(text);
      failures = 0;
      say("");
      showLive();
    } catch {
      failures += 1;
      if (failures > 1) say(body.dataset.offline);
    }
    later();
  };
  if (Number(body.dataset.every) > 0) {
    showLive();
    later();
    document.addEventListener("visibilitychange", () => { if (!document.hidden) load(); });
  }

  // A form is looked at while somebody types.
  const draft = document.querySelector("form[data-draft]");
  if (draft) {
    let asked = null;
    let wait = 0;
    const look = async () => {
      asked?.abort();
      asked = new AbortController();
      const fields = new URLSearchParams(new FormData(draft));
      fields.set("do", "look");
      try {
        const answer = await fetch(draft.action, { method: "POST", body: fields, signal: asked.signal });
        if (answer.redirected) return say(body.dataset.signedOut, answer.url);
        if (answer.ok) take(await answer.text());
      } catch (error) {
        if (error.name !== "AbortError") say(body.dataset.offline);
      }
    };
    const soon = () => {
      clearTimeout(wait);
      // What was found is not about what is typed now.
      document.getElementById("checked")?.remove();
      wait = setTimeout(look, 300);
    };
    draft.addEventListener("input", soon);
    draft.addEventListener("submit", () => { clearTimeout(wait); asked?.abort(); });
  }

  // One box for all boxes of a table.
  document.addEventListener("change", (event) => {
    const all = event.target;
    if (!all.matches?.("[data-all]")) return;
    for (const box of all.closest("table").querySelectorAll("tbody input[type=checkbox]")) box.checked = all.checked;
  });

  // Panels close as people expect.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.activeElement?.closest("details.act[open], details.drop[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll("details.act[open], details.drop[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });
})();
