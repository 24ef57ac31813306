// Going down and up: city > district > town > community > grid > building, by clicks; Esc goes up (keys.js).
//
// A click asks the service which areas the place lies in (GET /locate), because from near the wider levels
// have no fill that could be hit, and because a code does not say what it lies in. Inside the chosen area the
// one below it is chosen; outside, the one beside it. What is live lies above the areas, and is hit first.

import { Marker } from "../lib/maplibre-gl.mjs";
import { el } from "../core/dom.js";
import { wordsOf } from "../core/problems.js";
import { outerRings } from "./borders.js";
import { cameraFor, corners } from "./fit.js";
import { EVENTS, LIVE, ORDERS } from "./live.js";
import { chosenLevel, padding } from "./scene.js";

const REACH = 7;
const DEEPEST_FIT = 17.2;
const WALLS = 16.6;
const FLIGHT_MS = 900;

/** @typedef {import("./scene.js").Scene} Scene */

/** @param {Scene} scene @param {boolean} placed whether the address says where the map begins */
export function startDrill(scene, placed) {
  const { map, store, bus } = scene;
  const click = (/** @type {import("maplibre-gl").MapMouseEvent} */ event) => {
    if (!hitLive(scene, event) && !hitBuilding(scene, event)) {
      choose(scene, event.lngLat).catch((error) => bus.tell("toast", { text: wordsOf(error), grave: true }));
    }
  };
  map.on("click", click);
  const pinned = new Marker({ element: el("div", { "aria-hidden": "true" }, el("i", { class: "map-pin" })), anchor: "bottom" });
  let first = placed;
  const ends = [
    store.follow(["area"], async ({ area }) => {
      const stays = first;
      const begins = !map.loaded();
      first = false;
      if (stays) return;
      await showArea(scene, area, begins);
    }),
    bus.on("fly", ({ at, zoom, pin }) => {
      fly(scene, at, zoom);
      pinned.remove();
      if (pin) pinned.setLngLat(at).addTo(map);
    }),
    store.watch(["area", "replay"], () => void pinned.remove()),
    () => void pinned.remove(),
    bus.on("refit", () => !placed && showArea(scene, store.state.area, true)),
    bus.on("linked", ({ at, zoom }) => !placed && fly(scene, at, zoom)),
  ];
  return () => {
    map.off("click", click);
    for (const end of ends) end();
  };
}

/**
 * Open what is live at a place; a cluster is gone into.
 * @param {Scene} scene @param {import("maplibre-gl").MapMouseEvent} event
 */
function hitLive({ map, store }, { point, lngLat }) {
  const layers = LIVE.filter((id) => map.getLayer(id));
  if (!layers.length) return false;
  const around = /** @type {[any, any]} */ ([
    [point.x - REACH, point.y - REACH],
    [point.x + REACH, point.y + REACH],
  ]);
  const found = map.queryRenderedFeatures(around, { layers });
  if (!found.length) return false;
  const order = found.find((each) => ORDERS.includes(each.layer.id) && each.properties.order);
  const event = found.find((each) => EVENTS.includes(each.layer.id) && each.properties.seq);
  if (order) store.set({ card: { kind: "order", id: String(order.properties.order) } });
  else if (event) store.set({ card: { kind: "event", id: String(event.properties.seq) } });
  else {
    const { geometry } = found[0];
    const center = geometry.type === "Point" ? /** @type {[number, number]} */ (geometry.coordinates) : lngLat;
    map.easeTo({ center, zoom: Math.min(map.getZoom() + 2, 14.3), duration: store.state.still ? 0 : 600 });
  }
  return true;
}

/**
 * Open a building that stands at a place, from near.
 * @param {Scene} scene @param {import("maplibre-gl").MapMouseEvent} event
 */
function hitBuilding({ map, store, bus }, { point }) {
  const near = chosenLevel(store.state) === "grid" || map.getZoom() >= WALLS;
  if (!near || !map.getLayer("building")) return false;
  const around = /** @type {[any, any]} */ ([
    [point.x - 2, point.y - 2],
    [point.x + 2, point.y + 2],
  ]);
  const [found] = map.queryRenderedFeatures(around, { layers: ["building"] });
  if (!found?.properties.code) return false;
  store.set({ card: { kind: "building", id: String(found.properties.code) } });
  bus.tell("building", { id: found.id });
  return true;
}

/**
 * Choose the area at a place that is one step from the chosen one.
 * @param {Scene} scene @param {import("maplibre-gl").LngLat} place
 */
export async function choose({ net, store, bus }, { lng, lat }) {
  const before = store.state;
  const found = await net.get("/locate", { lon: lng.toFixed(7), lat: lat.toFixed(7), crs: "wgs84" });
  if (store.state.area !== before.area || !found.path?.length) return;
  const { path } = found;
  const at = path.findIndex((/** @type {any} */ step) => step.code === before.area);
  const level = chosenLevel(before);
  const beside = path.find((/** @type {any} */ step) => step.level === level);
  const step = before.area === null ? path[0] : at >= 0 ? path[Math.min(at + 1, path.length - 1)] : (beside ?? path[0]);
  bus.tell("clicked", { code: step.code, name: step.name, level: step.level, at: [lng, lat] });
  // What is chosen already is looked at closely.
  store.set({ area: step.code, card: step.code === before.area ? { kind: "area", id: step.code } : null });
}

/** Choose the area above the chosen one. @param {Scene} scene */
export async function goUp({ store, net }) {
  const { area, chain } = store.state;
  if (area === null) return;
  if (chain.at(-1)?.code === area) return store.set({ area: chain.at(-2)?.code ?? null });
  const { parent } = await net.get(`/areas/${encodeURIComponent(area)}`);
  if (store.state.area === area) store.set({ area: parent });
}

/**
 * Bring an area into view, the whole city for none.
 * @param {Scene} scene @param {string | null} code @param {boolean} atOnce
 */
async function showArea(scene, code, atOnce) {
  const { map, store, borders, config } = scene;
  const border = code === null ? null : await borders.of(code).catch(() => null);
  if (store.state.area !== code || (code !== null && !border?.bbox)) return;
  const places = border ? outerRings(border.geometry).flat() : corners(config.bounds);
  const camera = cameraFor(scene, places, DEEPEST_FIT);
  if (camera) map.easeTo({ ...camera, duration: atOnce || store.state.still ? 0 : FLIGHT_MS });
}

/** Bring a place into view. @param {Scene} scene @param {[number, number]} at @param {number} [zoom] */
function fly({ map, store, container }, at, zoom) {
  const wanted = zoom ?? Math.max(map.getZoom(), 16);
  const { left, right, top, bottom } = padding(container);
  const offset = /** @type {[number, number]} */ ([(left - right) / 2, (top - bottom) / 2]);
  map.easeTo({ center: at, zoom: wanted, offset, duration: store.state.still ? 0 : FLIGHT_MS });
}
