// Puts the giving card into one of the charity's other pages:
//   <div data-giving-card data-source="story-slug"></div>
//   <script src="https://give.example/embed.js" defer></script>
// data-currency, data-frequency, data-fund and data-amount (minor units) fill the form in. Sets no cookie.
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script) return;
  const site = new URL(script.src).origin;
  const SETTINGS = ["source", "currency", "frequency", "fund", "amount"];
  const FIRST_HEIGHT = 760;
  const TALLEST = 4000;

  function put(place) {
    const address = new URL("/give/card", site);
    for (const name of SETTINGS) {
      if (place.dataset[name]) address.searchParams.set(name, place.dataset[name]);
    }
    const frame = document.createElement("iframe");
    frame.src = address.href;
    frame.title = place.dataset.title || "Give";
    frame.referrerPolicy = "origin"; // the card answers only to origins it knows
    frame.style.width = "100%";
    frame.style.maxWidth = "28rem";
    frame.style.height = `${FIRST_HEIGHT}px`;
    frame.style.border = "0";
    place.replaceChildren(frame);
    window.addEventListener("message", (message) => fit(frame, message));
  }

  function fit(frame, message) {
    if (message.origin !== site || message.source !== frame.contentWindow) return;
    const { type, height } = message.data || {};
    if (type !== "giving-card-height" || !Number.isFinite(height)) return;
    frame.style.height = `${Math.min(Math.max(height, 200), TALLEST)}px`;
  }

  function putAll() {
    for (const place of document.querySelectorAll("[data-giving-card]")) put(place);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", putAll);
  else putAll();
})();
