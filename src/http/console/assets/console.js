// Small helps for the console. Every action works without this file.
// It is driven by data-* attributes and never writes HTML, only text.
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const byId = (id) => (id ? document.getElementById(id) : null);
  const persian = root.lang === "fa";

  // ---- texts ----
  const digits = (text) =>
    persian ? String(text).replace(/[0-9]/g, (d) => String.fromCharCode(0x06f0 + Number(d))) : String(text);
  const fill = (template, values) =>
    template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? digits(values[name]) : whole));
  const announce = (text) => {
    const region = byId("announce");
    if (!region) return;
    region.textContent = "";
    setTimeout(() => (region.textContent = text), 50);
  };

  // ---- the time of the server ----
  // The clock of the device is never read as a time of day. Its difference only covers a sleep of the
  // device, during which performance.now() may stand still.
  const atRendering = Number(root.dataset.now);
  const monotonic = performance.now();
  const wall = Date.now();
  const serverNow = () => atRendering + Math.max(performance.now() - monotonic, Date.now() - wall);

  // ---- secrets: codes that are shown ----
  const hide = (box) => {
    all("[data-secret]", box).forEach((secret) => {
      secret.textContent = box.dataset.mask || "•••••";
      secret.removeAttribute("data-secret");
    });
    const hadFocus = box.contains(document.activeElement);
    all("[data-when-shown]", box).forEach((part) => (part.hidden = true));
    all("[data-when-masked]", box).forEach((part) => (part.hidden = false));
    if (hadFocus) box.querySelector("[data-when-masked] button")?.focus();
  };
  const hideAll = () =>
    all("[data-secret]").forEach((secret) => {
      hide(secret.closest("[data-mask]"));
    });
  all("[data-hide-after]").forEach((box) => {
    const end = atRendering + Number(box.dataset.hideAfter) * 1000;
    const timer = setInterval(() => {
      if (serverNow() < end) return;
      clearInterval(timer);
      hide(box);
    }, 500);
  });
  addEventListener("pagehide", hideAll);
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    hideAll();
    location.replace(document.querySelector('link[rel="canonical"]')?.href || location.href);
  });

  // ---- countdown ----
  const expire = (element) => {
    element.removeAttribute("data-expires");
    const badge = byId(element.dataset.expiryBadge);
    const text = element.dataset.expiredText;
    element.classList.remove("soon");
    if (!badge) {
      if (text) element.textContent = text;
      return;
    }
    element.textContent = "—";
    badge.className = "badge expired";
    badge.textContent = text;
    announce([element.dataset.expiryName, text].filter(Boolean).join(": "));
  };
  const tick = () => {
    const now = serverNow();
    all("[data-expires]").forEach((element) => {
      const left = Math.ceil((Number(element.dataset.expires) - now) / 1000);
      if (left <= 0) return expire(element);
      const two = (n) => String(n).padStart(2, "0");
      const minutes = Math.floor(left / 60) % 60;
      const hours = Math.floor(left / 3600);
      const clock = (hours ? `${hours}:${two(minutes)}` : minutes) + ":" + two(left % 60);
      const text = fill(element.dataset.template || "{t}", { n: left, m: Math.ceil(left / 60), t: clock });
      if (element.textContent !== text) element.textContent = text;
      if (element.dataset.expiryBadge) element.classList.toggle("soon", left < 60);
      const notice = element.closest("[data-notice]");
      if (!notice?.hidden || left > Number(notice.dataset.notice)) return;
      notice.hidden = false;
      announce(text);
    });
  };
  if (atRendering && document.querySelector("[data-expires]")) {
    tick();
    setInterval(tick, 1000);
  }

  // ---- the end of the session: the answer is its new end in milliseconds ----
  all("[data-stay]").forEach((button) =>
    button.addEventListener("click", async () => {
      const answer = await fetch(button.dataset.stay, { method: "POST" }).catch(() => null);
      if (!answer?.ok || answer.redirected) return;
      const notice = button.closest("[data-notice]");
      notice.querySelector("[data-expires]").dataset.expires = await answer.text();
      notice.hidden = true;
    })
  );

  // ---- copying ----
  const copy = async (source) => {
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      return true;
    } catch {
      getSelection().selectAllChildren(source); // on plain HTTP there is no clipboard
      return document.execCommand("copy");
    }
  };
  all("[data-copy]").forEach((button) => {
    const source = byId(button.dataset.copy);
    if (!source) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const label = button.querySelector("span") || button;
      if (!(await copy(source))) return;
      const before = label.textContent;
      if (before !== button.dataset.copied) {
        label.textContent = button.dataset.copied;
        setTimeout(() => (label.textContent = before), 2000);
      }
      announce(button.dataset.copied);
    });
  });

  // ---- search while typing ----
  const KEPT = "otpd.search";
  const restoreSearch = () => {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    sessionStorage.removeItem(KEPT);
    const input = kept && document.querySelector("form[data-live] input[type=search]");
    if (!input || Date.now() - kept.at > 10000) return;
    input.focus({ preventScroll: true });
    if (input.value !== kept.text) {
      input.value = kept.text; // typed while the answer was under way
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }
    input.setSelectionRange(kept.caret, kept.caret);
  };
  all("form[data-live]").forEach((form) => {
    const input = form.querySelector("input[type=search]");
    if (!input) return;
    let timer = 0;
    let sent = input.value.trim();
    let live = false;
    input.addEventListener("input", (event) => {
      clearTimeout(timer);
      if (event.isComposing) return;
      timer = setTimeout(() => {
        const text = input.value.trim();
        if (text === sent || (text.length > 0 && text.length < 3)) return;
        sent = text;
        live = true;
        form.requestSubmit();
      }, 300);
    });
    form.addEventListener("submit", () => clearTimeout(timer));
    addEventListener("pagehide", () => {
      if (!live || document.activeElement !== input) return;
      try {
        const state = { text: input.value, caret: input.selectionStart, at: Date.now() };
        sessionStorage.setItem(KEPT, JSON.stringify(state));
      } catch {
        // see restoreSearch
      }
    });
  });
  try {
    restoreSearch();
  } catch {
    // Without storage the field loses its focus, nothing else.
  }

  // ---- one submission per form ----
  const release = (form) => {
    delete form.dataset.sent;
    all("button", form).forEach((button) => button.removeAttribute("aria-disabled"));
  };
  addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented || form.matches("[data-live]")) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-disabled", "true");
    setTimeout(() => release(form), 10000); // an answer that is a download leaves the page as it is
  });
  addEventListener("pageshow", () => all("form[data-sent]").forEach(release));

  // ---- "3 newer codes" ----
  all("[data-newer]").forEach((link) => {
    let shown = 0;
    const ask = async () => {
      if (document.visibilityState !== "visible") return;
      try {
        const answer = await fetch(link.dataset.newer, { headers: { Accept: "text/plain" } });
        if (!answer.ok || answer.redirected) return clearInterval(timer);
        const count = Number.parseInt(await answer.text(), 10);
        if (!(count > 0) || count === shown) return;
        link.textContent = fill(count === 1 ? link.dataset.templateOne : link.dataset.template, { n: count });
        link.hidden = false;
        if (shown === 0) announce(link.textContent);
        shown = count;
      } catch {
        // The next round asks again.
      }
    };
    const timer = setInterval(ask, 15000);
  });

  // ---- menus ----
  const closeMenus = (except) =>
    all("details.menu[open]").forEach((menu) => {
      if (!except || !menu.contains(except)) menu.open = false;
    });
  addEventListener("click", (event) => closeMenus(event.target));
  addEventListener("focusin", (event) => closeMenus(event.target));
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.activeElement?.closest("details.menu[open]");
    closeMenus(null);
    menu?.querySelector("summary").focus();
  });

  // ---- keyboard shortcuts ----
  let goUntil = 0;
  const letter = (event) =>
    /^[a-z]$/i.test(event.key) ? event.key.toLowerCase() : event.code.replace(/^Key/, "").toLowerCase();
  addEventListener("keydown", (event) => {
    if (root.dataset.shortcuts === "off" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
    const search = document.querySelector("[data-search]");
    if (event.key === "/" && search) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (performance.now() < goUntil) {
      goUntil = 0;
      const link = document.querySelector(`[data-key="${CSS.escape(letter(event))}"]`);
      if (link) location.assign(link.href);
    } else if (letter(event) === "g") {
      goUntil = performance.now() + 1500;
    }
  });
})();
