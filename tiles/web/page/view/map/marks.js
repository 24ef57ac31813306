// How open events and orders look: the layers of the live tiles, and of a past day, which say the same.
//
// Urgency is a colour, a size and a sign (▲ ◆ ■ ●), so nobody needs the colour. An order is a ring around its
// event: what colour by its state, broad and red once a limit has passed.

/** @typedef {import("./scene.js").Colours} Colours */

export const FONTS = ["PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei", "sans-serif"];
export const SIGNS = { red: "▲", orange: "◆", yellow: "■", blue: "●" };

/** States in which an order waits for somebody, is being worked on, is nearly done; the rest has gone up. */
export const STATES = {
  waits: ["reported", "verified", "filed", "dispatched", "returned", "rework"],
  works: ["accepted", "processing", "delay_requested", "suspended"],
  nears: ["feedback", "checked"],
};

/** A value by urgency. @param {Record<keyof typeof SIGNS, any>} given */
export const byUrgency = (given) => ["match", ["get", "urgency"], ...Object.entries(given).flat(), given.blue];

/** The colour of an urgency. @param {Colours} paint */
export const urgencyColour = ({ red, orange, yellow, blue }) => byUrgency({ red, orange, yellow, blue });

/** The colour of letters on a disc. @param {Colours} paint */
const lettering = ({ letters: [bright, dark] }) => byUrgency({ red: dark, orange: bright, yellow: bright, blue: dark });
const zoomed = (/** @type {any[]} */ ...stops) => ["interpolate", ["linear"], ["zoom"], ...stops];
const SINGLE = ["==", ["get", "count"], 1];
const MANY = [">", ["get", "count"], 1];

/**
 * A disc for each thing that is open.
 * @param {string} id @param {any} source @param {Colours} paint @param {any} [filter]
 */
export function discs(id, source, paint, filter) {
  const size = (/** @type {number} */ scale) =>
    byUrgency({ red: 9 * scale, orange: 7.5 * scale, yellow: 6 * scale, blue: 5 * scale });
  return {
    id,
    type: "circle",
    ...source,
    ...(filter ? { filter } : {}),
    layout: { "circle-sort-key": byUrgency({ red: 3, orange: 2, yellow: 1, blue: 0 }) },
    paint: {
      "circle-color": urgencyColour(paint),
      "circle-radius": zoomed(9, size(0.45), 13, size(0.72), 16, size(1.1)),
      "circle-opacity": ["case", ["==", ["get", "drill"], true], 0.45, 0.95],
      "circle-stroke-color": paint.rim,
      "circle-stroke-width": 1.2,
      "circle-pitch-alignment": "viewport",
    },
  };
}

/** The sign on each disc. @param {string} id @param {any} source @param {Colours} paint @param {any} [filter] */
export function signs(id, source, paint, filter) {
  return {
    id,
    type: "symbol",
    ...source,
    ...(filter ? { filter } : {}),
    layout: {
      "text-field": byUrgency(SIGNS),
      "text-font": FONTS,
      "text-size": zoomed(14, 8, 17, 11),
      "text-allow-overlap": true,
      "text-ignore-placement": true,
      "text-padding": 0,
    },
    paint: { "text-color": lettering(paint) },
  };
}

/** Things that lie together, as one disc with their number. @param {Colours} paint @returns {any[]} */
export function clusters(paint) {
  const source = { source: "live-event", "source-layer": "event", maxzoom: 14 };
  return [
    {
      id: "event-cluster",
      type: "circle",
      ...source,
      filter: MANY,
      paint: {
        "circle-color": urgencyColour(paint),
        "circle-opacity": 0.88,
        "circle-radius": ["interpolate", ["linear"], ["log10", ["get", "count"]], 0.3, 8, 1, 11, 2, 16, 3, 22],
        "circle-stroke-color": urgencyColour(paint),
        "circle-stroke-opacity": 0.28,
        "circle-stroke-width": 4,
        "circle-pitch-alignment": "viewport",
      },
    },
    {
      id: "event-count",
      type: "symbol",
      ...source,
      filter: MANY,
      layout: {
        "text-field": ["concat", byUrgency({ ...SIGNS, yellow: "", blue: "" }), ["to-string", ["get", "count"]]],
        "text-font": FONTS,
        "text-size": ["interpolate", ["linear"], ["log10", ["get", "count"]], 0.3, 10.5, 2, 13],
        "text-allow-overlap": true,
        "text-padding": 6, // the disc: names keep away from it
      },
      paint: { "text-color": lettering(paint) },
    },
  ];
}

/** Where much is open, as warmth. @param {Colours} paint */
export function heat(paint) {
  const cold = paint.dark ? "rgba(25,215,255,0)" : "rgba(22,96,176,0)";
  return {
    id: "event-heat",
    type: "heatmap",
    source: "live-event",
    "source-layer": "event",
    maxzoom: 17,
    layout: { visibility: "none" },
    paint: {
      "heatmap-weight": ["interpolate", ["linear"], ["get", "count"], 1, 0.25, 20, 1.6],
      "heatmap-intensity": zoomed(8, 0.7, 15, 1.6),
      "heatmap-radius": zoomed(8, 18, 13, 34, 17, 60),
      "heatmap-opacity": 0.78,
      "heatmap-color": [
        ...["interpolate", ["linear"], ["heatmap-density"], 0, cold, 0.15, paint.dark ? "#12608f" : "#9cc6ef"],
        ...[0.4, paint.dark ? "#2cc5a8" : "#4aa8ff", 0.65, "#ffd166", 0.85, "#ff9f1a", 1, "#ff3b3b"],
      ],
    },
  };
}

/**
 * The ring of each order; `now` is the moment against which limits are held.
 * @param {Colours} paint @param {string} now
 */
export function rings(paint, now) {
  const late = ["all", ["has", "due_at"], ["<", ["get", "due_at"], now]];
  const [waits, works, nears] = [paint.gold, paint.accent, paint.green];
  const state = ["match", ["get", "state"], STATES.waits, waits, STATES.works, works, STATES.nears, nears];
  const from = byUrgency({ red: 10, orange: 9, yellow: 8, blue: 7 });
  const to = byUrgency({ red: 15, orange: 13.5, yellow: 12, blue: 11 });
  return {
    id: "order-ring",
    type: "circle",
    source: "live-order",
    "source-layer": "order",
    minzoom: 14,
    paint: {
      "circle-color": "rgba(0,0,0,0)",
      "circle-radius": zoomed(14, from, 17, to),
      "circle-stroke-color": ["case", late, paint.red, [...state, paint.orange]],
      "circle-stroke-width": ["case", late, 4, 2],
      "circle-pitch-alignment": "viewport",
    },
  };
}

/** All layers of what is open now. @param {Colours} paint @param {string} now @returns {any[]} */
export function liveLayers(paint, now) {
  const source = { source: "live-event", "source-layer": "event" };
  return [
    heat(paint),
    rings(paint, now),
    discs("event-disc", source, paint, SINGLE),
    ...clusters(paint),
    signs("event-sign", { ...source, minzoom: 15.3 }, paint, SINGLE),
  ];
}
