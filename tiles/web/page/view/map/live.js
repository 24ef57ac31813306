// What is open now, from the live tiles: clusters from far, one by one from near, heat on request.
//
// A live tile is at least as new as the number in its address. So when the stream has told something that can
// be seen here, the sources are given the address with its number, at most once a second and not while the
// map moves; the tiles that are drawn stay until the new ones are there.

import { now } from "../core/now.js";
import { show } from "./compose.js";
import { liveLayers, rings } from "./marks.js";
import { colours, seldom } from "./scene.js";

/** The layers that can be clicked, and which of them are events and orders. */
export const EVENTS = ["event-disc"];
export const ORDERS = ["order-ring"];
export const LIVE = [...EVENTS, ...ORDERS, "event-cluster"];

const LAYERS = /** @type {const} */ (["event", "order"]);
const EVENT_LAYERS = ["event-disc", "event-sign", "event-cluster", "event-count"];
const PAUSE_MS = 1_000;
const LIMITS_MS = 30_000;
/** Tiles of this zoom are drawn larger from nearer: every single thing is in them. */
const DEEPEST = 15;

/** @typedef {import("./scene.js").Scene} Scene */

/**
 * The address of live tiles, as of a number of the log.
 * @param {string} root @param {string} layer @param {number} seq
 */
const address = (root, layer, seq) => `${root}/tiles/live/${seq}/${layer}/xyz/{z}/{x}/{y}.mvt`;

/** Now, as the tiles write it. */
const moment = () => `${new Date(now()).toISOString().slice(0, 19)}Z`;

/** @param {import("./scene.js").Colours} paint @param {string} root @returns {import("./compose.js").Piece} */
export function livePiece(paint, root) {
  const source = (/** @type {string} */ layer, /** @type {number} */ minzoom) => ({
    type: "vector",
    tiles: [address(root, layer, 0)],
    minzoom,
    maxzoom: DEEPEST,
  });
  return {
    sources: { "live-event": source("event", 0), "live-order": source("order", 14) },
    // Of two names that would collide the one higher up is drawn: numbers of clusters before names of areas.
    // Until the map has its first picture all are hidden, and their tiles are not asked for.
    layers: liveLayers(paint, moment()).map((layer) => [
      layer.id === "event-count" ? "names" : "live",
      { ...layer, layout: { ...layer.layout, visibility: "none" } },
    ]),
  };
}

/** @param {Scene} scene */
export function startLive(scene) {
  const { map, store, bus, root, drawn: mapDrawn } = scene;
  let seq = 0;
  let begun = false;
  /** The number that each layer's address has. */
  const drawn = { event: 0, order: 0 };
  let waits = false;
  const later = () => {
    if (waits) return;
    waits = true;
    map.once("idle", () => {
      waits = false;
      refresh();
    });
  };
  const refresh = seldom(PAUSE_MS, () => {
    if (document.hidden || store.state.replay) return;
    // A tile that is on its way would be kept although it is of the address before.
    if (map.isMoving() || !LAYERS.every((layer) => isThere(map, `live-${layer}`))) return later();
    for (const layer of LAYERS) {
      const source = /** @type {any} */ (map.getSource(`live-${layer}`));
      if (!source || drawn[layer] === seq || !shownAtAll(map, layer)) continue;
      drawn[layer] = seq;
      source.setTiles([address(root, layer, seq)]);
    }
  });
  const happened = (/** @type {{seq?: number}} */ said, /** @type {[number, number] | null | undefined} */ at) => {
    seq = Math.max(seq, said.seq ?? 0);
    if (!at || map.getBounds().contains(at)) refresh();
  };
  const anew = () => {
    for (const layer of LAYERS) drawn[layer] = -1;
    refresh();
  };
  const look = () => {
    const { hidden, heat, replay } = store.state;
    if (!begun) return;
    const events = !hidden.includes("event") && !replay;
    show(map, EVENT_LAYERS, events && !heat);
    show(map, ["event-heat"], heat && !replay);
    show(map, ["order-ring"], !hidden.includes("order") && !replay && !heat);
    refresh();
  };
  const limits = setInterval(() => holdLimits(map), LIMITS_MS);
  const awake = () => refresh();
  document.addEventListener("visibilitychange", awake);
  map.on("moveend", awake);
  mapDrawn.then(() => {
    begun = true;
    look();
  });
  const ends = [
    store.watch(["hidden", "heat", "replay"], look),
    bus.on("event", (said) => happened(said, said.at)),
    bus.on("order", (said) => happened(said, said.order?.at)),
    bus.on("reset", (said) => {
      seq = said.seq; // of a log that may be shorter
      anew();
    }),
    bus.on("lagging", anew),
    bus.on("healed", anew),
    bus.on("restyled", look),
    () => clearInterval(limits),
    () => document.removeEventListener("visibilitychange", awake),
    () => void map.off("moveend", awake),
    refresh.end,
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** Whether a source has all its tiles, or is not there at all. @param {import("maplibre-gl").Map} map @param {string} name */
const isThere = (map, name) => !map.getSource(name) || map.isSourceLoaded(name);

/**
 * Whether the map shows anything of a live layer at all.
 * @param {import("maplibre-gl").Map} map @param {string} layer
 */
function shownAtAll(map, layer) {
  const ids = layer === "order" ? ["order-ring"] : ["event-disc", "event-heat"];
  return ids.some((id) => map.getLayer(id) && map.getLayoutProperty(id, "visibility") !== "none");
}

/** Hold the limits of orders against the clock: what is late becomes red. @param {import("maplibre-gl").Map} map */
function holdLimits(map) {
  if (document.hidden || !map.getLayer("order-ring") || map.getZoom() < 14) return;
  /** @type {Record<string, any>} */
  const paint = rings(colours(), moment()).paint;
  map.setPaintProperty("order-ring", "circle-stroke-color", paint["circle-stroke-color"]);
  map.setPaintProperty("order-ring", "circle-stroke-width", paint["circle-stroke-width"]);
}
