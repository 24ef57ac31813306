// The numbers that the panels show: GET /overview of the chosen area, and what came with the stream since.
//
// The reply says up to which number of the log it counts; what came later is added here (panels/tally.js), so
// counters tick at once. While live things of the area come, it is asked for again at most every five seconds,
// and each minute without any, because clocks run out silently. A page that is not looked at asks nothing.

import { spoken } from "../core/words.js";
import { isEnded, wordsOf } from "../core/problems.js";
import { isIn } from "../cards/going.js";
import { withLive } from "./tally.js";

/** @typedef {import("../main.js").Page} Page */
/** @typedef {{follow: (call: (overview: any) => void) => () => void, refresh: () => void, end: () => void}} Feed */

const AGAIN_MS = 5_000;
const SILENT_MS = 60_000;
/** What ticks is told so often at most: 20 events a second are a handful of changes on the screen. */
const TICK_MS = 400;
/** What is urgent is shown at once. */
const URGENT_MS = 30;
/** More than this between two replies is not added up; the next reply has it. */
const MOST = 2_000;
const FIRST = ["event", "order"];
const ANYHOW = ["reset", "lagging", "healed"];

/**
 * Follow one part of the overview: what only comes with a reply is not drawn anew for each tick.
 * @param {Feed} feed @param {string} name @param {(overview: any) => void} call
 */
export function followPart(feed, name, call) {
  /** @type {unknown} */ let before = null;
  let language = "";
  return feed.follow((overview) => {
    const part = overview?.[name] ?? null;
    if (part === before && language === spoken()) return;
    before = part;
    language = spoken();
    if (overview) call(overview);
  });
}

/** @param {Page} page @returns {Feed} */
export function startFeed({ store, bus, net }) {
  /** @type {Set<(overview: any) => void>} */ const calls = new Set();
  /** @type {any} */ let answer = null;
  /** @type {any} */ let shown = null;
  /** @type {{kind: string, data: any}[]} */ let since = [];
  /** @type {AbortController | null} */ let asked = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let ticking;
  let askedAt = 0;
  let isStale = false;
  let failed = 0;

  const tell = () => {
    clearTimeout(ticking);
    ticking = undefined;
    if (!answer || document.hidden) return;
    shown = since.length ? withLive(answer, since) : answer;
    for (const call of calls) call(shown);
  };
  const plan = () => {
    clearTimeout(timer);
    const wait = failed ? Math.min(AGAIN_MS * 2 ** failed, SILENT_MS) : isStale ? AGAIN_MS : SILENT_MS;
    timer = setTimeout(ask, Math.max(0, askedAt + wait - Date.now()));
  };
  const ask = async () => {
    clearTimeout(timer);
    if (document.hidden) return void (isStale = true);
    asked?.abort();
    const mine = (asked = new AbortController());
    askedAt = Date.now();
    isStale = false;
    try {
      answer = await net.get("/overview", { area: store.state.area }, mine.signal);
      since = since.filter(({ data }) => data.seq > answer.seq);
      failed = 0;
      tell();
    } catch (error) {
      if (isEnded(error)) return;
      failed += 1;
      if (failed === 1) bus.tell("toast", { text: wordsOf(error) });
    }
    if (asked === mine) plan();
  };
  const take = (/** @type {string} */ kind) => (/** @type {any} */ data) => {
    if (!isIn(store.state.area, data)) return;
    if (FIRST.includes(kind) && typeof data.seq === "number" && since.length < MOST) {
      since.push({ kind, data });
      const isUrgent = data.urgency === "red" && data.op !== "close";
      if (isUrgent) clearTimeout(ticking);
      if (isUrgent || ticking === undefined) ticking = setTimeout(tell, isUrgent ? URGENT_MS : TICK_MS);
    }
    if (isStale) return;
    isStale = true;
    plan();
  };
  const look = () => {
    if (!document.hidden && (isStale || Date.now() - askedAt > AGAIN_MS)) ask();
  };
  document.addEventListener("visibilitychange", look);
  const ends = [
    ...["event", "order", "notice", "device"].map((kind) => bus.on(kind, take(kind))),
    bus.on("reset", () => void (since = [])), // what came may never have happened
    ...ANYHOW.map((kind) => bus.on(kind, () => void ask())),
    store.watch(["edition"], () => void ask()),
    store.watch(["area"], () => {
      answer = null;
      since = [];
      for (const call of calls) call(null);
      ask();
    }),
    store.watch(["language"], () => tell()),
    () => document.removeEventListener("visibilitychange", look),
    () => asked?.abort(),
    () => [timer, ticking].forEach((each) => clearTimeout(each)),
  ];
  ask();
  return {
    follow(call) {
      calls.add(call);
      call(shown && answer ? shown : null);
      return () => void calls.delete(call);
    },
    refresh: () => void ask(),
    end: () => ends.forEach((end) => end()),
  };
}
