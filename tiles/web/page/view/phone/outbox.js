// Reports on their way: kept in this browser, under an id of their own, until the service has said it has them.
//
// Who stands in a cellar reports all the same. A report that may have arrived is sent again as it was, with the
// same id: the service knows it by source and id and keeps one. Only a refusal ends it: then it is given back.

import { wordsOf } from "../core/problems.js";

/** @typedef {{id: string, body: any}} Letter */
/**
 * @typedef {{
 *   send: (body: any) => void,
 *   waiting: () => number,
 *   follow: (call: (told: Told) => void) => () => void,
 *   flush: () => void,
 *   end: () => void,
 * }} Outbox
 */
/**
 * @typedef {{
 *   kind: "sent",
 *   event: any} | {kind: "waiting",
 *   words: string} | {kind: "refused",
 *   words: string,
 *   body: any,
 * }} Told
 */

const KEPT = "gridmap.outbox";
const AGAIN_MS = 5_000;
const LONGEST_MS = 60_000;
/** Statuses that say: not now. All others from 400 on say: not like this. */
const LATER = new Set([408, 425, 429]);

/** A new id, 128 bits by lot. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `m-${[...bytes].map((each) => each.toString(16).padStart(2, "0")).join("")}`;
}

/** @returns {Letter[]} */
function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "[]");
  } catch {
    return [];
  }
}

/** @param {import("../main.js").Page} page @returns {Outbox} */
export function makeOutbox({ net, store }) {
  /** @type {Set<(told: Told) => void>} */ const calls = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let timer;
  let wait = AGAIN_MS;
  let isBusy = false;

  // What is kept is read each time: another window may have sent or added something.
  const keep = (/** @type {Letter[]} */ letters) => localStorage.setItem(KEPT, JSON.stringify(letters));
  const tell = (/** @type {Told} */ told) => calls.forEach((call) => call(told));
  const drop = (/** @type {Letter} */ letter) => keep(kept().filter((each) => each.id !== letter.id));
  const flush = async () => {
    clearTimeout(timer);
    if (isBusy) return;
    isBusy = true;
    for (const letter of kept()) {
      try {
        const event = await net.post("/events", letter.body);
        drop(letter);
        wait = AGAIN_MS;
        tell({ kind: "sent", event });
      } catch (error) {
        const { status } = /** @type {any} */ (error);
        if (status >= 400 && status < 500 && !LATER.has(status)) {
          drop(letter);
          tell({ kind: "refused", words: wordsOf(error), body: letter.body });
          continue;
        }
        tell({ kind: "waiting", words: wordsOf(error) });
        timer = setTimeout(flush, wait);
        wait = Math.min(2 * wait, LONGEST_MS);
        break;
      }
    }
    isBusy = false;
  };
  const now = () => void flush();
  window.addEventListener("online", now);
  const stop = store.watch(["link"], ({ link }) => link === "open" && kept().length && now());
  if (kept().length) timer = setTimeout(flush, 1_000);
  return {
    send(body) {
      keep([...kept(), { id: body.id, body }]);
      flush();
    },
    waiting: () => kept().length,
    follow(call) {
      calls.add(call);
      return () => void calls.delete(call);
    },
    flush: now,
    end() {
      clearTimeout(timer);
      stop();
      window.removeEventListener("online", now);
    },
  };
}
