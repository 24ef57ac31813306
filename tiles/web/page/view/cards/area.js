// The card of an area: everything known of a grid, or of a community, town or district.

import { clock, count, dayAndClock, decimal } from "../core/format.js";
import { el } from "../core/dom.js";
import { learn, say, spoken } from "../core/words.js";
import { choose, goTo, isIn } from "./going.js";
import { figures, facts, folding, list, orderLine, section, way } from "./pieces.js";
import { refill } from "./refill.js";
import { urgencySign } from "./signs.js";
import { dutyWord, shiftWords, term } from "./terms.js";

learn({
  area_size: ["面积", "Area"],
  area_border: ["边界长度", "Border"],
  area_compact: ["紧凑度", "Compactness"],
  area_kind: ["类型", "Kind"],
  area_edition: ["版本", "Edition"],
  area_orders: ["在办工单", "Open orders"],
  area_no_orders: ["没有在办工单", "No open orders"],
  area_staff: ["网格力量", "Staff"],
  area_devices: ["设备", "Devices"],
  area_buildings: ["建筑", "Buildings"],
  area_history: ["近期事件", "Recent events"],
  area_neighbours: ["相邻区域", "Neighbours"],
  area_editions: ["边界沿革", "Editions"],
  area_choose: ["选中此区域", "Choose this area"],
  area_synthetic: ["合成数据，非真实边界", "Synthetic data, no real borders"],
  area_device: ["在线 {0} · 离线 {1} · 未上线 {2}", "{0} online · {1} offline · {2} never heard"],
  area_shared: ["共界 {0} 米", "{0} m of border"],
  area_overdue: ["超时 {0}", "{0} overdue"],
  area_open: ["在办 {0}", "{0} open"],
  area_building: ["高 {0} 米", "{0} m high"],
  area_homes: ["{0} 户", "{0} households"],
  area_changed: ["● 有变化", "● changed"],
  area_same: ["○ 无变化", "○ unchanged"],
  "areakind.basic": ["基础网格", "basic"],
  "areakind.exclusive": ["专属网格", "exclusive"],
  suppressed: ["不公开", "not shown"],
});

/** The card asks again at most so often while things of the area come. */
const AGAIN_MS = 4_000;
const HEADS = ["households", "people", "buildings", "devices", "staff"];

/** @param {import("./cards.js").Opening} opening @returns {Promise<import("./cards.js").Shown>} */
export async function openArea({ page, id, body, signal, retitle }) {
  const { net, bus } = page;
  const read = () => net.get(`/cards/${encodeURIComponent(id)}`, {}, signal);
  /** @type {Set<string>} */ const open = new Set(["area_history"]);
  let card = await read();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let timer;
  const draw = () => refill(body, drawn(page, card, open));
  const again = async () => {
    timer = undefined;
    const next = await read().catch(() => null);
    if (!next || JSON.stringify(next) === JSON.stringify(card)) return;
    card = next;
    draw();
    retitle();
  };
  const soon = () => void (timer ??= setTimeout(again, AGAIN_MS));
  const stops = ["event", "order", "device"].map((kind) => bus.on(kind, (data) => isIn(id, data) && soon()));
  stops.push(...["edition", "reset", "lagging"].map((kind) => bus.on(kind, soon)));
  draw();
  return {
    title: () => card.name,
    kind: () => `${term("level", card.level)} · ${card.code}`,
    at: () => card.at ?? null,
    draw,
    end() {
      clearTimeout(timer);
      stops.forEach((stop) => stop());
    },
  };
}

/** @param {import("../main.js").Page} page @param {any} card @param {Set<string>} open */
function drawn(page, card, open) {
  const stock = HEADS.filter((name) => card.stock[name] !== undefined);
  const { orders, measures } = card;
  const late = orders.overdue ? say("area_overdue", count(orders.overdue)) : "";
  return [
    way(page, card.path),
    card.nearest && el("p", { class: "delight" }, card.nearest[spoken()] ?? card.nearest.zh),
    figures(stock.map((name) => [`stock_${name}`, count(card.stock[name])])),
    el("button", { type: "button", class: "wide", onclick: () => choose(page, card.code) }, say("area_choose")),
    section(
      "area_orders",
      [
        orders.latest.length
          ? list(
              orders.latest.map((/** @type {any} */ each) => orderLine(page, each)),
              "lines",
            )
          : el("p", { class: "quiet" }, say("area_no_orders")),
      ],
      [say("area_open", count(orders.open)), late].filter(Boolean).join(" · "),
    ),
    card.staff?.length ? section("area_staff", [list(card.staff.map(staffLine))]) : null,
    card.devices?.length ? section("area_devices", [list(card.devices.map(deviceLine))]) : null,
    folding(open, "area_history", [
      list(
        (card.history ?? []).map((/** @type {any} */ each) => historyLine(page, each)),
        "lines",
      ),
    ]),
    folding(
      open,
      "area_buildings",
      [list((card.buildings ?? []).map((/** @type {any} */ each) => buildingLine(page, each)))],
      many(card.buildings),
    ),
    folding(
      open,
      "area_neighbours",
      [list((card.neighbours ?? []).map((/** @type {any} */ each) => neighbourLine(page, each)))],
      many(card.neighbours),
    ),
    folding(open, "area_editions", [list((card.editions ?? []).map(editionLine))], many(card.editions)),
    facts([
      ["area_kind", card.kind && card.level === "grid" ? term("areakind", card.kind) : null],
      ["area_size", measures && sizeWords(measures.area_m2)],
      ["area_border", measures && lengthWords(measures.perimeter_m)],
      ["area_compact", measures?.compactness ? decimal(measures.compactness, 2) : null],
      ["area_edition", String(card.edition)],
    ]),
    card.synthetic && el("p", { class: "quiet" }, say("area_synthetic")),
  ];
}

/** @param {any[] | undefined} rows */
const many = (rows) => (rows?.length ? count(rows.length) : "");

/** @param {number} m2 */
const sizeWords = (m2) => (m2 >= 1_000_000 ? `${decimal(m2 / 1e6, 2)} km²` : `${count(Math.round(m2))} m²`);

/** @param {number} m */
const lengthWords = (m) => (m >= 10_000 ? `${decimal(m / 1000, 1)} km` : `${count(Math.round(m))} m`);

/** @param {any} post */
const staffLine = (post) =>
  el(
    "span",
    { class: post.on_duty ? "spread" : "spread off" },
    el("span", {}, `${post.on_duty ? "●" : "○"} ${term("role", post.role)} ${post.person ?? ""}`),
    el("small", {}, [...new Set([dutyWord(post), shiftWords(post.shift)])].join(" · ")),
  );

/** @param {any} kind */
const deviceLine = (kind) =>
  el(
    "span",
    { class: "spread" },
    el("span", {}, `${term("kind", kind.kind)} ${count(kind.total)}`),
    el("small", {}, say("area_device", count(kind.online), count(kind.offline), count(kind.unheard))),
  );

/** @param {import("../main.js").Page} page @param {any} event */
const historyLine = (page, event) =>
  el(
    "button",
    { type: "button", class: "line slim", onclick: () => goTo(page, { kind: "event", id: String(event.seq) }) },
    urgencySign(event.urgency),
    el("time", {}, dayAndClock(event.occurred_at)),
    el("strong", {}, event.title || term("class", event.class)),
    el("small", {}, term("op", event.op)),
  );

/** @param {import("../main.js").Page} page @param {any} building */
const buildingLine = (page, building) =>
  el(
    "span",
    { class: "spread" },
    el(
      "button",
      { type: "button", class: "link", onclick: () => goTo(page, { kind: "building", id: building.code }) },
      building.name || building.code,
    ),
    el(
      "small",
      {},
      [
        term("use", building.use),
        building.height ? say("area_building", decimal(building.height, 0)) : "",
        building.households !== null && building.households !== undefined
          ? say("area_homes", count(building.households))
          : "",
      ]
        .filter(Boolean)
        .join(" · "),
    ),
  );

/** @param {import("../main.js").Page} page @param {any} area */
const neighbourLine = (page, area) =>
  el(
    "span",
    { class: "spread" },
    el(
      "button",
      { type: "button", class: "link", onclick: () => goTo(page, { kind: "area", id: area.code }) },
      area.name,
    ),
    el("small", {}, say("area_shared", count(Math.round(area.shared_m)))),
  );

/** @param {any} edition */
const editionLine = (edition) =>
  el(
    "span",
    { class: "spread" },
    el("span", {}, `${edition.number} · ${edition.reason || "—"}`),
    el(
      "small",
      {},
      [
        `${dayAndClock(edition.effective_at).split(" ")[0]} ${clock(edition.effective_at)}`,
        edition.author,
        edition.changed === null ? "" : say(edition.changed ? "area_changed" : "area_same"),
      ]
        .filter(Boolean)
        .join(" · "),
    ),
  );
