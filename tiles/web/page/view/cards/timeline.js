// The history of an order, newest first: who did what, in which role, when, and what was said and shown.

import { el } from "../core/dom.js";
import { dayAndClock } from "../core/format.js";
import { learn, say } from "../core/words.js";
import { photoStrip } from "./photos.js";
import { term } from "./terms.js";

learn({ step_to: ["→ {0}", "→ {0}"] });

/** @param {import("../main.js").Page} page @param {readonly any[]} history oldest first */
export function makeTimeline(page, history) {
  /** @type {Set<string>} */ const seen = new Set();
  const steps = history.map((entry) => {
    const photos = (entry.changes?.photos ?? []).filter((/** @type {string} */ id) => !seen.has(id));
    photos.forEach((/** @type {string} */ id) => seen.add(id));
    return stepOf(page, entry, photos);
  });
  return el("ol", { class: "timeline" }, ...steps.reverse());
}

/** @param {import("../main.js").Page} page @param {any} entry @param {string[]} photos */
function stepOf(page, entry, photos) {
  const moved = entry.from !== entry.to;
  return el(
    "li",
    { "data-state": entry.to },
    el(
      "p",
      { class: "head" },
      el("time", { datetime: entry.at }, dayAndClock(entry.at)),
      el("strong", {}, term("action", entry.action)),
      moved && el("small", {}, say("step_to", term("state", entry.to))),
    ),
    el(
      "p",
      {},
      el("small", {}, entry.role === "system" ? term("role", "system") : `${term("role", entry.role)} ${entry.actor}`),
    ),
    entry.note && el("p", { class: "said" }, entry.note),
    photos.length ? photoStrip(page, photos) : null,
  );
}
