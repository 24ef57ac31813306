// What it is about: a ring of the classes of today's events, and beside it the same as a list.
//
// The ring goes clockwise in the order of the list, from strong to pale, with gaps between: it is read by place
// and number, and by no colour that somebody might not see.

import { el } from "../core/dom.js";
import { count, decimal } from "../core/format.js";
import { learn, say } from "../core/words.js";
import { keepRows, put } from "../cards/rows.js";
import { term } from "../cards/terms.js";
import { startChart } from "./chart.js";
import { shade } from "./shades.js";

learn({
  classes_total: ["今日新增", "new"],
  classes_label: ["事件分类：{0}", "By class: {0}"],
  classes_none: ["今日暂无事件", "Nothing today so far"],
  classes_open: ["在办 {0}", "{0} open"],
});

/** @param {any[]} classes */
const total = (classes) => classes.reduce((all, each) => all + each.new, 0);

/** @param {any[]} classes @param {import("./chart.js").Colours} colours */
function option(classes, colours) {
  const sum = total(classes);
  return {
    series: [
      {
        type: "pie",
        radius: ["66%", "94%"],
        label: { show: false },
        silent: true,
        itemStyle: { borderColor: colours.ground, borderWidth: 2 },
        data: sum
          ? classes.map((each, place) => ({
              value: each.new,
              name: each.class,
              itemStyle: { color: shade(colours, place, classes.length) },
            }))
          : [{ value: 1, itemStyle: { color: colours.line } }],
      },
    ],
  };
}

/** @param {any[]} classes */
const label = (classes) =>
  say("classes_label", classes.map((each) => `${term("class", each.class)} ${count(each.new)}`).join(", "));

/** @type {import("./panels.js").Start} */
export function startClasses(page, frame, feed) {
  const sum = el("b");
  const middle = el(
    "p",
    { class: "middle", "aria-hidden": "true" },
    sum,
    el("small", { "data-word": "classes_total" }),
  );
  const ring = el("div", { class: "ring" }, middle);
  const list = el("ol", { class: "classes", tabindex: "0", "data-title": "panel_classes" });
  const none = el("p", { class: "quiet", "data-word": "classes_none", hidden: true });
  const both = el("div", { class: "beside" }, ring, list);
  frame.body.append(both, none);
  const chart = startChart(page, ring, option, label);
  const stop = feed.follow((overview) => {
    if (!overview) return;
    const classes = overview.by_class
      .filter((/** @type {any} */ each) => each.new || each.open)
      .sort((/** @type {any} */ a, /** @type {any} */ b) => b.new - a.new);
    chart.set(classes);
    put(sum, count(total(classes)));
    none.hidden = classes.length > 0;
    both.hidden = !classes.length;
    show(list, classes);
  });
  const recolour = page.store.watch(["theme"], () => requestAnimationFrame(() => paint(list)));
  return () => {
    stop();
    recolour();
    chart.end();
  };
}

/** @param {HTMLElement} list @param {any[]} classes */
function show(list, classes) {
  const sum = total(classes);
  keepRows(
    list,
    classes,
    (each) => each.class,
    () => el("li", {}, el("i", { "aria-hidden": "true" }), el("span"), el("b"), el("small")),
    (row, each) => {
      put(row.children[1], term("class", each.class));
      put(row.children[2], count(each.new));
      put(row.children[3], sum ? `${decimal((100 * each.new) / sum, 0)}%` : "—");
      row.title = say("classes_open", count(each.open));
    },
  );
  paint(list);
}

/** @param {HTMLElement} list */
function paint(list) {
  const style = getComputedStyle(document.documentElement);
  const colours = /** @type {any} */ ({
    accent: style.getPropertyValue("--accent").trim(),
    ground: style.getPropertyValue("--panel-solid").trim(),
    gold: style.getPropertyValue("--gold").trim(),
  });
  [...list.children].forEach((row, place) => {
    /** @type {HTMLElement} */ (row.firstElementChild).style.background = shade(colours, place, list.children.length);
  });
}
