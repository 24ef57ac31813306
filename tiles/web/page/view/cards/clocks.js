// The clocks of an order as bars, with marks at 80, 100 and 150 percent of the time allowed.
//
// The service counts in its work calendar; between two of its answers a bar goes on from what was used up at
// `since` towards `due_at`. That is exact for clocks that always run; for working time it is an estimate by
// the clock on the wall between these two instants, and is marked so (≈).

import { el } from "../core/dom.js";
import { dayAndClock, span } from "../core/format.js";
import { learn, say } from "../core/words.js";
import { now } from "../core/now.js";
import { put } from "./rows.js";
import { term } from "./terms.js";

learn({
  "clock.accept": ["接单", "Accept"],
  "clock.arrive": ["到场", "On site"],
  "clock.close": ["办结", "Close"],
  "clock.check": ["核查", "Check"],
  "clock.reply": ["部门回复", "Reply"],
  clock_done: ["已完成", "done"],
  clock_done_late: ["超时完成", "done late"],
  clock_stands: ["暂停计时", "standing still"],
  clock_left: ["剩余 {0}", "{0} left"],
  clock_late: ["超时 {0}", "late by {0}"],
  clock_due: ["{0} 到期", "due {0}"],
  clock_of_left: ["{0}：剩余 {1}", "{0}: {1} left"],
  clock_of_late: ["{0}：超时 {1}", "{0}: late by {1}"],
  clock_working: ["按工作时间", "working time"],
  clock_assumed: ["节假日待定", "holidays not known yet"],
  clock_round: ["{0}（第{1}次）", "{0} (no. {1})"],
});

/** The bar ends here: what is later is not longer. */
const END = 160;
const MARKS = [80, 100, 150];

/** @param {any} clock */
export const isDone = (clock) => clock.done_at !== null && clock.done_at !== undefined;

/** The part of a clock that is used up, 1 when its time is up. @param {any} clock @param {number} moment */
export function used(clock, moment) {
  const before = clock.used_s / clock.allowed_s;
  if (!clock.since) return before;
  const since = Date.parse(clock.since);
  const due = clock.due_at ? Date.parse(clock.due_at) : since + 1000 * (clock.allowed_s - clock.used_s);
  const rate = due > since ? (1 - before) / (due - since) : 1 / (1000 * clock.allowed_s);
  return before + rate * Math.max(0, moment - since);
}

/** The lamp of a part that is used up. @param {number} part */
export const lampOf = (part) => (part >= 1.5 ? "supervised" : part >= 1 ? "red" : part >= 0.8 ? "yellow" : "green");

/** The clock that is the nearest to its end, or the farthest beyond it. @param {readonly any[]} clocks */
export function nearest(clocks) {
  const running = clocks.filter((clock) => !isDone(clock) && clock.since);
  const moment = now();
  return (
    running.sort(
      (a, b) => Date.parse(a.due_at ?? 0) - Date.parse(b.due_at ?? 0) || used(b, moment) - used(a, moment),
    )[0] ?? null
  );
}

/** What is left of the clock that ends first, in words. @param {any} order */
export function clockWords(order) {
  const clock = nearest(order.clocks);
  if (!clock || isDone(clock) || !clock.due_at) return term("state", order.state);
  const left = Date.parse(clock.due_at) - now();
  return say(left >= 0 ? "clock_of_left" : "clock_of_late", term("clock", clock.name.split(":")[0]), span(left));
}

/** The worst lamp of an order's clocks. @param {any} order */
export function lampOfOrder(order) {
  const parts = order.clocks
    .filter((/** @type {any} */ clock) => !isDone(clock))
    .map((/** @type {any} */ clock) => used(clock, now()));
  return lampOf(Math.max(0, ...parts));
}

/** @param {any} clock */
function nameOf(clock) {
  const [name, whom] = clock.name.split(":");
  const word = whom ? `${term("clock", name)}: ${whom}` : term("clock", name);
  return clock.round > 1 ? say("clock_round", word, clock.round) : word;
}

/** What is said of a clock. @param {any} clock @param {number} part @param {number} moment */
function wordsOf(clock, part, moment) {
  if (isDone(clock)) return `${say(part > 1 ? "clock_done_late" : "clock_done")} ${dayAndClock(clock.done_at)}`;
  if (!clock.since) return say("clock_stands");
  if (!clock.due_at) return "";
  const left = Date.parse(clock.due_at) - moment;
  const hints = [clock.hours === "working" && say("clock_working"), clock.assumed && say("clock_assumed")].filter(
    Boolean,
  );
  return [
    say(left >= 0 ? "clock_left" : "clock_late", span(left)),
    say("clock_due", dayAndClock(clock.due_at)),
    ...hints,
  ].join(" · ");
}

/** The clocks of an order as a list; `tick` moves their bars on. @param {readonly any[]} clocks */
export function makeClocks(clocks) {
  const scale = MARKS.map((percent) => el("span", { "data-at": percent }, `${percent}%`));
  const list = el(
    "ul",
    { class: "clocks" },
    clocks.length > 0 && el("li", { class: "scale", "aria-hidden": "true" }, ...scale),
  );
  const rows = clocks.map((clock) => {
    const bar = el("i");
    const figure = el("b");
    const words = el("small");
    const marks = MARKS.map((percent) => el("s", { "data-at": percent, title: `${percent}%` }));
    const row = el(
      "li",
      {},
      el("span", {}, nameOf(clock)),
      figure,
      el("span", { class: "track", "aria-hidden": "true" }, bar, ...marks),
      words,
    );
    list.append(row);
    return { clock, bar, figure, words, row };
  });
  const tick = () => {
    const moment = now();
    for (const { clock, bar, figure, words, row } of rows) {
      const part = used(clock, moment);
      row.dataset.lamp = isDone(clock) ? (part > 1 ? "red" : "green") : lampOf(part);
      row.classList.toggle("done", isDone(clock));
      bar.style.transform = `scaleX(${Math.min(1, (100 * part) / END).toFixed(4)})`;
      const about = clock.hours === "working" && clock.since && !isDone(clock) ? "≈" : "";
      put(figure, `${about}${Math.floor(100 * part)}%`);
      put(words, wordsOf(clock, part, moment));
    }
  };
  tick();
  return { list, tick };
}
