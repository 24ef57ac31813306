// The card of a building: units x floors x rooms as one table, masked. Who lives there is never shown.

import { el } from "../core/dom.js";
import { count, decimal } from "../core/format.js";
import { learn, say } from "../core/words.js";
import { choose } from "./going.js";
import { facts, figures, list, orderLine, section, way } from "./pieces.js";
import { refill } from "./refill.js";
import { term } from "./terms.js";

learn({
  building: ["建筑", "building"],
  building_use: ["用途", "Use"],
  building_height: ["高度", "Height"],
  building_code: ["编码", "Code"],
  building_grid: ["所属网格", "Grid"],
  building_matrix: ["单元 × 楼层 × 房间", "Units × floors × rooms"],
  building_masked: ["住户信息已脱敏：只显示房号", "Households are masked: rooms only"],
  building_unit: ["{0}单元", "Unit {0}"],
  building_floor: ["{0}层", "Floor {0}"],
  building_floors: ["楼层", "Floor"],
  building_room: ["{0}单元{1}室，人数不公开", "Unit {0}, room {1}, people not shown"],
  building_orders: ["在办工单", "Open orders"],
  building_empty: ["此建筑没有住户", "Nobody lives in this building"],
});

/** @param {import("./cards.js").Opening} opening @returns {Promise<import("./cards.js").Shown>} */
export async function openBuilding({ page, id, body, signal }) {
  const building = await page.net.get(`/buildings/${encodeURIComponent(id)}`, {}, signal);
  const draw = () => refill(body, drawn(page, building));
  draw();
  return {
    title: () => building.name || building.code,
    kind: () => `${say("building")} · ${term("use", building.use)}`,
    at: () => building.at ?? null,
    draw,
    end() {},
  };
}

/** @param {import("../main.js").Page} page @param {any} building */
function drawn(page, building) {
  const { grid } = building;
  return [
    way(page, building.path),
    figures([
      ["stock_households", count(building.households)],
      [
        "stock_people",
        building.people === null || building.people === undefined ? say("suppressed") : count(building.people),
      ],
    ]),
    section(
      "building_matrix",
      building.units?.length
        ? [matrix(building.units), el("p", { class: "quiet" }, say("building_masked"))]
        : [el("p", { class: "quiet" }, say("building_empty"))],
    ),
    building.orders?.length &&
      section("building_orders", [
        list(
          building.orders.map((/** @type {any} */ each) => orderLine(page, each)),
          "lines",
        ),
      ]),
    facts([
      ["building_use", term("use", building.use)],
      ["building_height", building.height ? `${decimal(building.height, 1)} m` : null],
      [
        "building_grid",
        grid &&
          el(
            "button",
            { type: "button", class: "link", onclick: () => choose(page, grid.code) },
            `${grid.name} ${grid.code}`,
          ),
      ],
      ["building_code", building.code],
    ]),
  ];
}

/** The columns of a unit: the last two digits of its rooms (1203 is room 03). @param {any} unit @returns {string[]} */
function columnsOf(unit) {
  const found = unit.floors.flatMap((/** @type {any} */ floor) =>
    floor.rooms.map((/** @type {any} */ room) => placeOf(room, floor)),
  );
  return [...new Set(/** @type {string[]} */ (found))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/** @param {any} room @param {any} floor */
function placeOf(room, floor) {
  const text = String(room.room);
  const head = String(floor.floor);
  return text.startsWith(head) && text.length > head.length ? text.slice(head.length) : text;
}

/** @param {any[]} units */
function matrix(units) {
  const floors = [...new Set(units.flatMap((unit) => unit.floors.map((/** @type {any} */ floor) => floor.floor)))].sort(
    (a, b) => b - a,
  );
  const columns = units.map((unit) => ({ unit, places: columnsOf(unit) }));
  const heads = columns.map(({ unit, places }) =>
    el("th", { scope: "colgroup", colspan: places.length }, say("building_unit", unit.unit)),
  );
  const rows = floors.map((number) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, say("building_floor", number)),
      ...columns.flatMap(({ unit, places }) => cellsOf(unit, places, number)),
    ),
  );
  const table = el(
    "table",
    { class: "matrix" },
    el("caption", { class: "unseen" }, say("building_matrix")),
    ...[el("colgroup"), ...columns.map(({ places }) => el("colgroup", { span: places.length }))],
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, say("building_floors")), ...heads)),
    el("tbody", {}, ...rows),
  );
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": say("building_matrix") }, table);
}

/** @param {any} unit @param {string[]} places @param {number} number */
function cellsOf(unit, places, number) {
  const floor = unit.floors.find((/** @type {any} */ each) => each.floor === number);
  return places.map((place, at) => {
    const room = floor?.rooms.find((/** @type {any} */ each) => placeOf(each, floor) === place);
    const edge = at === 0 ? "edge" : null;
    if (!room) return el("td", { class: edge });
    return el(
      "td",
      { class: edge ? "home edge" : "home", title: say("building_room", unit.unit, room.room) },
      String(room.room),
    );
  });
}
