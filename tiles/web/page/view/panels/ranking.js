// The areas below the chosen one, by what came today for each 10,000 people; a click chooses one.
//
// By raw counts the largest would always lead, and people would invent events or hide them; so the rate leads
// where people are known, and what is open and overdue stands beside it.

import { el } from "../core/dom.js";
import { count, decimal } from "../core/format.js";
import { learn, say } from "../core/words.js";
import { choose } from "../cards/going.js";
import { keepRows, put } from "../cards/rows.js";
import { followPart } from "./feed.js";

learn({
  per_10k: ["件/万人", "per 10,000 people"],
  by_count: ["件（今日新增）", "new today"],
  rank_more: ["新增 {0} · 在办 {1}", "{0} new · {1} open"],
  rank_overdue: ["超时 {0}", "{0} overdue"],
  rank_none: ["此区域没有下级", "There is nothing below this area"],
  rank_choose: ["查看{0}", "Look at {0}"],
});

const MOST = 50;

/** @type {import("./panels.js").Start} */
export function startRanking(page, frame, feed) {
  const list = el("ol", { class: "ranking" });
  const none = el("p", { class: "quiet", "data-word": "rank_none", hidden: true });
  frame.body.append(list, none);
  return followPart(feed, "ranking", (overview) => {
    const rows = overview.ranking.slice(0, MOST);
    const isRate = rows.some((/** @type {any} */ each) => each.per_10k !== null);
    const of = (/** @type {any} */ each) => (isRate ? (each.per_10k ?? 0) : each.new);
    const most = Math.max(...rows.map(of), 0);
    none.hidden = rows.length > 0;
    put(frame.aside, rows.length ? say(isRate ? "per_10k" : "by_count") : "");
    keepRows(
      list,
      rows,
      (each) => each.code,
      (each) => makeRow(page, each.code),
      (row, each) => fill(row, each, isRate ? decimal(each.per_10k, 1) : count(each.new), most ? of(each) / most : 0),
    );
  });
}

/** @param {import("../main.js").Page} page @param {string} code */
function makeRow(page, code) {
  const bar = el("span", { class: "bar", "aria-hidden": "true" }, el("i"));
  const more = el("small", {}, el("span"), el("em"));
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", onclick: () => choose(page, code) },
      el("span", { class: "name" }),
      el("b"),
      bar,
      more,
    ),
  );
}

/** @param {HTMLElement} row @param {any} each @param {string} value @param {number} part */
function fill(row, each, value, part) {
  const [name, figure, bar, more] = /** @type {HTMLElement} */ (row.firstElementChild).children;
  put(name, each.name);
  put(figure, value);
  /** @type {HTMLElement} */ (bar.firstElementChild).style.transform = `scaleX(${part.toFixed(3)})`;
  put(more.firstElementChild, say("rank_more", count(each.new), count(each.open)));
  put(more.lastElementChild, each.overdue ? ` · ▲ ${say("rank_overdue", count(each.overdue))}` : "");
  const button = /** @type {HTMLElement} */ (row.firstElementChild);
  button.title = say("rank_choose", each.name);
}
