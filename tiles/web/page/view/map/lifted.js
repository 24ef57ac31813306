// The chosen area as a block that stands out: a rim that glows, walls below it, the rest dimmed.
//
// One GeoJSON source holds the dimming (the world without the area) and the rim; the walls are a layer of
// their own (walls.js). When an area is chosen, light runs once around its rim.

import { NOTHING } from "./compose.js";
import { outerRings, ringsOf, thinned } from "./borders.js";
import { rgb, Walls } from "./walls.js";
import { colours } from "./scene.js";

const WORLD = [
  [-179.9, -84],
  [179.9, -84],
  [179.9, 84],
  [-179.9, 84],
  [-179.9, -84],
];
/** Corners of a border that walls are hung from, at most; beyond it they are nearer together than pixels. */
const CORNERS = 2_500;
/** How much the rest is dimmed, by the level that is chosen: around a grid one wants to see. */
const DIMMED = { district: 0.62, town: 0.55, community: 0.46, grid: 0.3 };

/** @typedef {import("./scene.js").Scene} Scene */

/** @param {import("./scene.js").Colours} paint @returns {import("./compose.js").Piece} */
export function liftedPiece(paint) {
  const zoomed = (/** @type {number[]} */ ...stops) => ["interpolate", ["linear"], ["zoom"], ...stops];
  const rim = { type: "line", source: "lifted", filter: ["==", ["get", "part"], "rim"] };
  const round = { "line-join": "round", "line-cap": "round" };
  const glow = zoomed(6, 8, 12, 16, 18, 26);
  return {
    sources: { lifted: { type: "geojson", data: NOTHING, maxzoom: 16, tolerance: 0.2, buffer: 32 } },
    layers: [
      [
        "shade",
        {
          id: "lifted-mask",
          type: "fill",
          source: "lifted",
          filter: ["==", ["get", "part"], "mask"],
          paint: {
            "fill-color": paint.dark ? "#030a18" : "#c9d4e2",
            "fill-opacity": ["get", "dimmed"],
            "fill-antialias": false,
          },
        },
      ],
      [
        "shade",
        {
          id: "lifted-glow",
          ...rim,
          layout: round,
          paint: {
            "line-color": paint.dark ? "#19d7ff" : "#2f7fd6",
            "line-width": glow,
            "line-blur": glow,
            "line-opacity": paint.dark ? 0.8 : 0.5,
          },
        },
      ],
      [
        "shade",
        {
          id: "lifted-rim",
          ...rim,
          layout: round,
          paint: { "line-color": paint.dark ? "#d8fbff" : "#0b5fb0", "line-width": zoomed(6, 1.4, 12, 2.2, 18, 3) },
        },
      ],
    ],
  };
}

/** @param {Scene} scene */
export function startLifted(scene) {
  const { map, store, borders, bus } = scene;
  const walls = new Walls();
  const tint = () => {
    const { dark } = colours();
    walls.top = rgb(dark ? "#1fc0f7" : "#5b8fc9");
    walls.foot = rgb(dark ? "#0a2c5e" : "#a9bdd6");
    walls.strength = dark ? 1 : 0.9;
  };
  const place = () => {
    if (!map.getLayer("lifted-rim")) return;
    if (!map.getLayer(walls.id)) map.addLayer(walls, "lifted-rim");
    else map.moveLayer(walls.id, "lifted-rim");
  };
  const restyled = () => {
    tint();
    place();
  };
  const lift = async () => {
    const { area } = store.state;
    const border = area === null ? null : await borders.of(area).catch(() => null);
    if (store.state.area !== area || isLowered) return;
    const rings = ringsOf(border?.geometry);
    source(map)?.setData(border && rings.length ? shapes(border) : NOTHING);
    const [west, , east] = border?.bbox ?? [0, 0, 0];
    walls.hang(rings.length ? rings.map((ring) => thinned(ring, (east - west) / CORNERS)) : []);
    if (border) bus.tell("lifted", { code: border.id, rings: outerRings(border.geometry) });
  };
  /** Borders are those of today: over the map of another edition they would be wrong. */
  const lower = () => {
    source(map)?.setData(NOTHING);
    walls.hang([]);
  };
  let isLowered = false;
  const past = (/** @type {{edition: number}} */ { edition }) => {
    const other = Boolean(edition) && edition !== store.state.edition;
    if (other === isLowered) return;
    isLowered = other;
    if (other) lower();
    else lift();
  };
  restyled();
  lift();
  const ends = [
    store.watch(["area", "edition"], () => isLowered || lift()),
    store.watch(["replay"], ({ replay }) => replay === null && past({ edition: 0 })),
    bus.on("past", past),
    bus.on("restyled", restyled),
  ];
  return () => {
    for (const end of ends) end();
    if (map.getLayer(walls.id)) map.removeLayer(walls.id);
  };
}

/** @param {import("maplibre-gl").Map} map @returns {import("maplibre-gl").GeoJSONSource | undefined} */
const source = (map) => map.getSource("lifted");

/** The world without an area, and its rim. @param {import("./borders.js").Border} border @returns {any} */
function shapes(border) {
  const dimmed = DIMMED[/** @type {keyof typeof DIMMED} */ (border.properties.level)] ?? 0.5;
  const rings = ringsOf(border.geometry);
  const feature = (/** @type {any} */ properties, /** @type {any} */ geometry) => {
    return { type: "Feature", properties, geometry };
  };
  return {
    type: "FeatureCollection",
    features: [
      feature({ part: "mask", dimmed }, { type: "Polygon", coordinates: [WORLD, ...outerRings(border.geometry)] }),
      feature({ part: "rim" }, { type: "MultiLineString", coordinates: rings }),
    ],
  };
}
