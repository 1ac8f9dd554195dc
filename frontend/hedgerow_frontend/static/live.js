// Keeps a page up to date: on an event from the server it fetches the page again and swaps the parts that changed.
// Without JavaScript the page works all the same. One stream a tab, none while the tab is hidden.
"use strict";

const KINDS = [
  ...["submitted", "running", "succeeded", "failed", "cancelled"].map((end) => `task.${end}`),
  ...["running", "succeeded", "failed", "cancelled", "timed_out", "progress", "retry"].map((end) => `stage.${end}`),
  ...["joined", "left", "lost", "state", "restart_wanted"].map((end) => `node.${end}`),
  ...["preparing", "ready", "running", "switching", "degraded", "stopped", "ended", "failed", "deleted"].map(
    (state) => `service.${state}`,
  ),
  ...["placed", "epoch_failed"].map((end) => `service.${end}`),
  ...["preparing", "ready", "running", "stopped", "ended", "failed", "restarted", "lost"].map((end) => `instance.${end}`),
  ...["joined", "left", "lost", "cordoned", "uncordoned", "drained"].map((end) => `worker.${end}`),
  ...["accepted", "declined", "done"].map((end) => `intent.${end}`),
  "orchestrator.started",
  "resync",
];
const GATHER_MS = 250;
const POLL_MS = 5000;
// What changes without an event, such as rates, is looked at this often; 0 is never.
const EVERY_MS = Number(document.body.dataset.refresh || 0);
const address = document.body.dataset.events;
let stream = null;
let due = null;
let poll = null;
let beat = null;

function swap(old, fresh) {
  const open = new Set([...old.querySelectorAll("details[open][id]")].map((found) => found.id));
  for (const found of fresh.querySelectorAll("details[id]")) found.open ||= open.has(found.id);
  if (old.outerHTML !== fresh.outerHTML) old.replaceWith(fresh);
}

async function refresh() {
  due = null;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live][id]")) {
      const fresh = page.getElementById(part.id);
      if (fresh && !part.contains(document.activeElement)) swap(part, document.adoptNode(fresh));
    }
    if (!page.body.dataset.events) close();
  } catch (error) {
    console.warn("The page could not be brought up to date:", error);
  }
}

function soon() {
  due ??= setTimeout(refresh, GATHER_MS);
}

function open() {
  if (!address || stream) return;
  if (EVERY_MS) beat = setInterval(soon, EVERY_MS);
  stream = new EventSource(address);
  for (const kind of KINDS) stream.addEventListener(kind, soon);
  stream.addEventListener("open", soon);
  stream.addEventListener("error", () => {
    // The browser gives up on a refusal (too many streams, for one): ask now and then instead.
    if (stream && stream.readyState === EventSource.CLOSED) poll ??= setInterval(refresh, POLL_MS);
  });
}

function close() {
  if (stream) stream.close();
  clearInterval(poll);
  clearInterval(beat);
  stream = poll = beat = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
window.addEventListener("pagehide", close);
window.addEventListener("pageshow", open);
