// Enhancements only: every page works without this file.
"use strict";

const POLL_MS = 2000;
const POLLS = 45; // a minute and a half; after that the page itself says where to look

function showCopyButtons() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const status = document.querySelector("[data-copied]");
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        status.textContent = "The link is copied.";
      } catch {
        status.textContent = button.dataset.copy;
      }
    });
  }
}

// The thank-you page: ask what became of the gift until it is known, then show the page that says so.
async function watchGift(page, asked = 0) {
  const gift = encodeURIComponent(page.dataset.gift);
  const known = await stateOf(gift);
  if (known && known !== "started") {
    location.reload();
  } else if (asked < POLLS) {
    setTimeout(watchGift, POLL_MS, page, asked + 1);
  } else {
    const later = new URL(location.href);
    later.searchParams.set("try", "99");
    location.replace(later);
  }
}

async function stateOf(gift) {
  try {
    const answer = await fetch(`/gifts/${gift}`, { headers: { Accept: "application/json" } });
    return answer.ok ? (await answer.json()).state : "";
  } catch {
    return ""; // no network just now: ask again
  }
}

// A link that signs in or proves an address carries its token in the fragment, which no server log and no mail scanner's request sees.
// It is spent only when a person presses the button.
function offerEntrance() {
  const offer = document.querySelector("[data-enter]");
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!offer || !token) return;
  history.replaceState(null, "", location.pathname);
  offer.hidden = false;
  document.querySelector("[data-enter-instead]").hidden = true;
  const button = document.querySelector("[data-enter-button]");
  button.disabled = false;
  button.onclick = () => enter(token, button, offer.dataset);
}

async function enter(token, button, { enter: call, then }) {
  const status = document.querySelector("[data-enter-status]");
  button.disabled = true;
  status.textContent = "One moment.";
  try {
    const answer = await fetch(call, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ token }),
    });
    if (answer.ok) return location.replace(then);
    const told = await answer.json().catch(() => ({}));
    status.textContent = told.error?.message || "The link could not be used.";
    document.querySelector("[data-enter]").hidden = true;
    document.querySelector("[data-enter-instead]").hidden = false;
  } catch {
    status.textContent = "There is no connection just now. Please try again.";
    button.disabled = false;
  }
}

// In an iframe: tell the page around us how tall we are, if it is one of the charity's own.
function tellHeight() {
  const origins = (document.body.dataset.heightFor || "").split(" ").filter(Boolean);
  if (!origins.length || window.parent === window) return;
  const around = document.referrer ? new URL(document.referrer).origin : "";
  if (around !== location.origin && !origins.includes(around)) return;
  const tell = () => {
    const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
    window.parent.postMessage({ type: "giving-card-height", height }, around);
  };
  new ResizeObserver(tell).observe(document.documentElement);
  tell();
}

showCopyButtons();
offerEntrance();
// Put into the address bar of the very page that waits for it, a link loads nothing.
addEventListener("hashchange", offerEntrance);
tellHeight();
const waiting = document.querySelector("[data-gift]");
if (waiting) watchGift(waiting);
