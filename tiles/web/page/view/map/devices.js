// The state of devices, from near: a ring around those that were heard, red with a sign where there is alarm.
//
// The devices themselves are in the tiles, a disc and a character by kind. Their states are asked for the piece
// that the map shows (GET /devices), and then followed by the stream.

import { NOTHING, show } from "./compose.js";
import { FONTS } from "./marks.js";
import { seldom } from "./scene.js";

const NEAR = 16;
const MOST = 2_000;
const PAUSE_MS = 1_000;
const LAYERS = ["device", "device-sign", "device-state", "device-alarm"];

/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {"alarm" | "offline" | "online"} Standing */

/** @param {any} device @returns {Standing | null} null for one of which nothing was ever heard */
export function standingOf(device) {
  if (device.alarms?.length) return "alarm";
  if (device.status === "offline") return "offline";
  return device.status === "unknown" || !device.status ? null : "online";
}

/** @param {import("./scene.js").Colours} paint @returns {import("./compose.js").Piece} */
export function devicesPiece(paint) {
  const own = { source: "device-states", minzoom: NEAR };
  const by = (/** @type {any} */ alarm, /** @type {any} */ offline, /** @type {any} */ online) => [
    ...["match", ["get", "standing"], "alarm", alarm, "offline", offline],
    online,
  ];
  const radius = ["interpolate", ["linear"], ["zoom"], 16, 4.5, 17, 7, 18, 11.5, 19, 14];
  return {
    sources: { "device-states": { type: "geojson", data: NOTHING, maxzoom: 16 } },
    layers: [
      [
        "live",
        {
          id: "device-state",
          type: "circle",
          ...own,
          paint: {
            "circle-color": "rgba(0,0,0,0)",
            "circle-radius": radius,
            "circle-stroke-color": by(paint.red, paint.soft, paint.green),
            "circle-stroke-width": by(3.5, 2, 1.6),
            "circle-pitch-alignment": "viewport",
          },
        },
      ],
      [
        "live",
        {
          id: "device-alarm",
          type: "symbol",
          ...own,
          filter: ["!=", ["get", "standing"], "online"],
          layout: {
            "text-field": by("‼", "×", ""),
            "text-font": FONTS,
            "text-size": 15,
            "text-offset": [0.9, -0.9],
            "text-allow-overlap": true,
            "text-ignore-placement": true,
          },
          paint: {
            "text-color": by(paint.red, paint.soft, paint.soft),
            "text-halo-color": paint.rim,
            "text-halo-width": 1.4,
          },
        },
      ],
    ],
  };
}

/** @param {Scene} scene */
export function startDevices(scene) {
  const { map, store, bus, net } = scene;
  /** @type {Map<string, any>} */ const known = new Map();
  /** @type {AbortController | null} */ let asked = null;
  let box = "";
  const wanted = () => map.getZoom() >= NEAR && !store.state.hidden.includes("device") && !store.state.replay;
  const draw = seldom(PAUSE_MS, () => {
    if (!wanted()) return;
    const features = [...known.values()].map(({ lon, lat, code, kind, standing }) => ({
      type: "Feature",
      properties: { code, kind, standing },
      geometry: { type: "Point", coordinates: [lon, lat] },
    }));
    /** @type {any} */ (map.getSource("device-states"))?.setData({ type: "FeatureCollection", features });
  });
  const take = (/** @type {any} */ device) => {
    const standing = standingOf(device);
    if (standing) known.set(device.code, { ...device, standing });
    else known.delete(device.code);
  };
  const ask = async () => {
    if (!wanted()) return;
    const around = map.getBounds();
    const sides = [around.getWest(), around.getSouth(), around.getEast(), around.getNorth()];
    const next = sides.map((each) => each.toFixed(4)).join(",");
    if (next === box) return;
    box = next;
    asked?.abort();
    asked = new AbortController();
    const found = await net.get("/devices", { bbox: next, limit: MOST }, asked.signal).catch(() => null);
    if (!found) {
      if (box === next) box = "";
      return;
    }
    known.clear();
    for (const device of found.devices) take(device);
    draw();
  };
  const askSoon = seldom(400, ask);
  const anew = () => {
    box = "";
    askSoon();
  };
  map.on("moveend", askSoon);
  const ends = [
    store.follow(["hidden", "replay"], ({ hidden, replay }) => {
      show(map, LAYERS, !hidden.includes("device"));
      show(map, ["device-state", "device-alarm"], !hidden.includes("device") && !replay);
      askSoon();
    }),
    bus.on("device", (device) => {
      if (!wanted() || !map.getBounds().contains([device.lon, device.lat])) return;
      take(device);
      draw();
    }),
    bus.on("reset", anew),
    bus.on("lagging", anew),
    bus.on("healed", anew),
    () => void map.off("moveend", askSoon),
    askSoon.end,
    draw.end,
  ];
  return () => {
    for (const end of ends) end();
  };
}
