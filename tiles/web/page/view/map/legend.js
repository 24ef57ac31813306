// The legend: by what the areas are coloured, what each colour means, how many areas have it; and what is shown.

import { HIDEABLE } from "../core/address.js";
import { el } from "../core/dom.js";
import { count, decimal } from "../core/format.js";
import { learn, say } from "../core/words.js";
import { SIGNS } from "./marks.js";
import { colours } from "./scene.js";

learn({
  legend: ["图例", "Legend"],
  legend_metric: ["着色指标", "Colour by"],
  metric_none: ["不着色", "Nothing"],
  metric_open_orders: ["在办工单", "Open orders"],
  metric_open_events: ["未结事件", "Open events"],
  metric_households: ["户数", "Households"],
  metric_people: ["人口", "People"],
  metric_devices: ["设备", "Devices"],
  metric_buildings: ["建筑", "Buildings"],
  level_district: ["个区县", "districts"],
  level_town: ["个街镇", "towns"],
  level_community: ["个社区", "communities"],
  level_grid: ["个网格", "grids"],
  legend_zero: ["无", "none"],
  legend_total: ["合计 {0} {1}", "{0} {1} in all"],
  legend_unknown: ["没有这项数据", "Not known here"],
  legend_loading: ["正在读取", "Loading"],
  legend_range: ["范围", "Range"],
  legend_count: ["数量", "How many"],
  show_event: ["事件", "Events"],
  show_order: ["工单", "Orders"],
  show_device: ["设备", "Devices"],
  show_heat: ["热力", "Heat"],
  shown: ["显示", "Show"],
  key: ["标记说明", "What the marks say"],
  key_red: ["特急", "Red: at once"],
  key_orange: ["紧急", "Orange: urgent"],
  key_yellow: ["较急", "Yellow: soon"],
  key_blue: ["一般", "Blue: ordinary"],
  key_waits: ["环：待接单", "Ring: waits for somebody"],
  key_works: ["环：处理中", "Ring: in hand"],
  key_nears: ["环：已反馈", "Ring: reported done"],
  key_away: ["环：已上报上级", "Ring: passed on"],
  key_late: ["粗红环：超时", "Broad red ring: overdue"],
});

const METRICS = ["open_orders", "open_events", "households", "people", "devices", "buildings"];

/** @typedef {import("../main.js").Page} Page */
/**
 * @typedef {import("./classes.js").Row} Row
 * @typedef {{layer: string, metric: string, rows: Row[], zeros: number, total: number, sum: number}} Coloured
 */

/** @param {Page} page @param {HTMLElement} element */
export function startLegend(page, element) {
  const { store, bus } = page;
  /** @type {Coloured | null} */ let coloured = null;
  const picker = el("select", {
    id: "metric",
    "data-title": "legend_metric",
    onchange: () => store.set({ metric: picker.value || null }),
  });
  const table = el("table", { class: "legend-rows" });
  const foot = el("p", { class: "legend-foot" });
  const { bar, look } = switches(store);
  element.replaceChildren(el("div", { class: "legend-head" }, picker), table, foot, bar, marksKey());
  element.setAttribute("role", "region");
  const words = () => {
    element.setAttribute("aria-label", say("legend"));
    picker.setAttribute("aria-label", say("legend_metric"));
    picker.replaceChildren(
      ...METRICS.map((name) => el("option", { value: name }, say(`metric_${name}`))),
      el("option", { value: "" }, say("metric_none")),
    );
    picker.value = store.state.metric ?? "";
  };
  const draw = () => {
    const none = store.state.metric === null || store.state.replay !== null;
    element.classList.toggle("legend-plain", none);
    table.replaceChildren(...(none || !coloured ? [] : rowsOf(coloured)));
    foot.textContent = none ? "" : footOf(coloured);
    look();
  };
  const ends = [
    store.follow(["theme"], () => tint(element)),
    store.follow(["language"], words),
    store.follow(["language", "hidden", "heat", "metric", "replay"], () => {
      if (store.state.metric !== coloured?.metric) coloured = null;
      picker.value = store.state.metric ?? "";
      draw();
    }),
    bus.on("coloured", (said) => {
      coloured = said.metric ? said : null;
      draw();
    }),
  ];
  bus.tell("legend");
  return () => {
    for (const end of ends) end();
    element.replaceChildren();
  };
}

/** The switches of what is shown. @param {import("../core/store.js").Store} store */
function switches(store) {
  const toggle = (/** @type {string} */ kind) => {
    const { hidden } = store.state;
    store.set({ hidden: hidden.includes(kind) ? hidden.filter((each) => each !== kind) : [...hidden, kind] });
  };
  const button = (/** @type {string} */ word, /** @type {() => void} */ onclick) =>
    el("button", { type: "button", class: "legend-switch", "data-word": word, "data-shows": word, onclick }, say(word));
  const kinds = HIDEABLE.map((kind) => button(`show_${kind}`, () => toggle(kind)));
  const heat = button("show_heat", () => store.set({ heat: !store.state.heat }));
  const bar = el("div", { class: "legend-switches", role: "group" }, ...kinds, heat);
  const look = () => {
    bar.setAttribute("aria-label", say("shown"));
    HIDEABLE.forEach((kind, at) => kinds[at].setAttribute("aria-pressed", String(!store.state.hidden.includes(kind))));
    heat.setAttribute("aria-pressed", String(store.state.heat));
  };
  return { bar, look };
}

/** What the marks of events and orders say; closed until somebody opens it. */
function marksKey() {
  const row = (/** @type {string} */ word, /** @type {string} */ sign, /** @type {string} */ look) =>
    el(
      "li",
      {},
      el("i", { class: `key-${look}`, "aria-hidden": "true" }, sign),
      el("span", { "data-word": word }, say(word)),
    );
  const urgencies = Object.entries(SIGNS).map(([name, sign]) => row(`key_${name}`, sign, `disc key-disc-${name}`));
  const states = ["waits", "works", "nears", "away", "late"];
  const rings = states.map((name) => row(`key_${name}`, "", `ring key-ring-${name}`));
  const summary = el("summary", { "data-word": "key" }, say("key"));
  return el("details", { class: "legend-key" }, summary, el("ul", {}, ...urgencies, ...rings));
}

/** Give the marks of the key the colours that they have on the map. @param {HTMLElement} element */
function tint(element) {
  const paint = colours();
  const rings = { waits: paint.gold, works: paint.accent, nears: paint.green, away: paint.orange, late: paint.red };
  for (const [name, colour] of Object.entries(rings)) {
    const ring = /** @type {HTMLElement | null} */ (element.querySelector(`.key-ring-${name}`));
    if (ring) ring.style.borderColor = colour;
  }
  for (const name of /** @type {(keyof typeof SIGNS)[]} */ (Object.keys(SIGNS))) {
    const disc = /** @type {HTMLElement | null} */ (element.querySelector(`.key-disc-${name}`));
    const [bright, deep] = paint.letters;
    const color = name === "red" || name === "blue" ? deep : bright;
    if (disc) Object.assign(disc.style, { background: paint[name], color });
  }
}

/** @param {Coloured} coloured */
function rowsOf({ rows, zeros, total }) {
  if (!total) return [];
  const most = Math.max(1, zeros, ...rows.map((row) => row.count));
  const row = (/** @type {string} */ range, /** @type {number} */ many, /** @type {string | null} */ colour) => {
    const swatch = el("i", { class: colour ? "swatch" : "swatch swatch-empty" });
    if (colour) swatch.style.background = colour;
    const bar = el("i", { class: "legend-bar" });
    bar.style.width = `${Math.round((many / most) * 100)}%`;
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, swatch, range),
      el("td", { class: "legend-share", "aria-hidden": "true" }, bar),
      el("td", { class: "legend-count" }, count(many)),
    );
  };
  const head = el(
    "thead",
    { class: "unseen" },
    el(
      "tr",
      {},
      el("th", { scope: "col" }, say("legend_range")),
      el("td"),
      el("th", { scope: "col" }, say("legend_count")),
    ),
  );
  const body = rows.map((each, at) => row(rangeOf(each, at === rows.length - 1), each.count, each.colour));
  if (zeros) body.unshift(row(say("legend_zero"), zeros, null));
  return [head, el("tbody", {}, ...body)];
}

/**
 * The numbers of a class, from the first to the last that can be in it.
 * @param {import("./classes.js").Row} row @param {boolean} last
 */
function rangeOf({ from, to }, last) {
  if (!Number.isInteger(from) || !Number.isInteger(to)) return `${decimal(from, 1)} – ${decimal(to, 1)}`;
  const end = last ? to : to - 1;
  return end <= from ? count(from) : `${count(from)} – ${count(end)}`;
}

/** @param {Coloured | null} coloured */
function footOf(coloured) {
  if (!coloured) return say("legend_loading");
  if (!coloured.total) return say("legend_unknown");
  return say("legend_total", count(coloured.total), say(`level_${coloured.layer}`));
}
