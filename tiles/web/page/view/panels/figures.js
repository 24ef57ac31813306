// The overview: what there is in the area, and what today brought, in numerals that roll.

import { el } from "../core/dom.js";
import { count } from "../core/format.js";
import { learn, reword, say } from "../core/words.js";
import { put } from "../cards/rows.js";
import "../cards/terms.js";
import { makeRoll } from "./roll.js";

learn({
  today_new: ["今日新增", "New today"],
  today_closed: ["今日办结", "Closed today"],
  today_open: ["在办", "Open"],
  today_overdue: ["超时", "Overdue"],
  today_urgent: ["紧急 {0} 件", "{0} urgent"],
  today_drills: ["演练 {0} 件，不计数", "{0} drills, not counted"],
});

/** The height of numerals in em, and what a row of digits may take up together, so that millions fit as well. */
const HIGHEST = 1.9;
const ROOM = 8.2;
const TODAY = ["new", "closed", "open", "overdue"];
const STOCK = ["districts", "towns", "communities", "grids", "households", "people", "buildings", "devices", "staff"];

/** @type {import("./panels.js").Start} */
export function startFigures({ store }, frame, feed) {
  const numerals = TODAY.map((name) => {
    const place = el("dd", { class: "numeral" });
    const cell = el("div", { "data-figure": name }, el("dt", { "data-word": `today_${name}` }), place);
    return { cell, set: makeRoll(place), name };
  });
  const aside = el("p", { class: "quiet" });
  const stock = STOCK.map((name) => {
    const value = el("dd");
    return { name, value, cell: el("div", {}, value, el("dt", { "data-word": `stock_${name}` })) };
  });
  const today = el("dl", { class: "today" }, ...numerals.map((each) => each.cell));
  frame.body.append(today, aside, el("dl", { class: "stock" }, ...stock.map((each) => each.cell)));
  reword(frame.body);
  return feed.follow((overview) => {
    frame.body.classList.toggle("waiting", !overview);
    put(frame.aside, store.state.chain.at(-1)?.name ?? say("city"));
    if (!overview) return;
    put(frame.aside, overview.area?.name ?? say("city"));
    for (const { name, set, cell } of numerals) {
      set(overview.today[name]);
      cell.classList.toggle("grave", name === "overdue" && overview.today.overdue > 0);
    }
    const longest = Math.max(...TODAY.map((name) => count(overview.today[name]).length));
    today.style.setProperty("--numeral", Math.min(HIGHEST, ROOM / longest).toFixed(2));
    const { urgent, drills } = overview.today;
    const said = [say("today_urgent", count(urgent)), drills ? say("today_drills", count(drills)) : ""];
    put(aside, said.filter(Boolean).join(" · "));
    for (const { name, value, cell } of stock) {
      const many = overview.stock[name];
      cell.hidden = many === null || many === undefined || isItself(overview, name);
      put(value, count(many));
    }
  });
}

const BELOW = { city: 0, district: 1, town: 2, community: 3, grid: 4 };

/**
 * Whether a number only counts the area itself or what is above it: one district in a district.
 * @param {any} overview
 * @param {string} name
 */
function isItself(overview, name) {
  const depth = BELOW[/** @type {keyof typeof BELOW} */ (overview.area?.level ?? "city")] ?? 0;
  return ["districts", "towns", "communities", "grids"].indexOf(name) < depth && STOCK.indexOf(name) < 4;
}
