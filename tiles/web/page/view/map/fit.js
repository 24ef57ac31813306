// The camera from which an area fills the room that the columns leave free, tilted and turned as the map is.
//
// MapLibre fits the box of an area as though the map lay flat. Here the corners of the border itself are put on
// the screen as a tilted camera sees them: what is near is larger. A few rounds of "how large, how far from the
// middle of the room" come to rest.

import { MercatorCoordinate } from "../lib/maplibre-gl.mjs";
import { padding } from "./scene.js";

const TILE_PX = 512;
const ROUNDS = 6;
/** Of a border so many corners are looked at. */
const CORNERS = 400;

/** @typedef {{west: number, north: number, east: number, south: number}} Bounds */

/**
 * @param {import("./scene.js").Scene} scene @param {[number, number][]} places of the border @param {number} most zoom
 * @returns {{center: [number, number], zoom: number} | null}
 */
export function cameraFor({ map, container }, places, most) {
  if (!places.length) return null;
  const turn = (map.getBearing() * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const step = Math.ceil(places.length / CORNERS);
  const points = places
    .filter((_, at) => at % step === 0)
    .map((place) => MercatorCoordinate.fromLngLat(place))
    .map((point) => ({ x: point.x * cos + point.y * sin, y: point.y * cos - point.x * sin }));
  const room = roomOf(container);
  const see = lens(map, container);
  const flat = boundsOf(points);
  let middle = { x: (flat.west + flat.east) / 2, y: (flat.north + flat.south) / 2 };
  let scale = room.wide / Math.max(flat.east - flat.west, 1e-9);
  for (let round = 0; round < ROUNDS; round++) {
    const limit = TILE_PX * 2 ** most;
    const seen = boundsOf(points.map((point) => see((point.x - middle.x) * scale, (point.y - middle.y) * scale)));
    const grows = Math.min(room.wide / (seen.east - seen.west), room.high / (seen.south - seen.north));
    const spare = Math.max(0, room.high - grows * (seen.south - seen.north));
    const goal = { x: room.x, y: room.y - Math.min(room.legend, spare) / 2 };
    const off = see.back((seen.west + seen.east) / 2 - goal.x, (seen.north + seen.south) / 2 - goal.y);
    middle = { x: middle.x + off.x / scale, y: middle.y + off.y / scale };
    scale = Math.min(limit, scale * Math.max(0.4, Math.min(2.5, grows)));
  }
  const [x, y] = [middle.x * cos - middle.y * sin, middle.x * sin + middle.y * cos];
  const { lng, lat } = new MercatorCoordinate(x, y, 0).toLngLat();
  return { center: [lng, lat], zoom: Math.log2(scale / TILE_PX) };
}

/** The room that is free: its size, its middle as seen from the middle of the map. @param {HTMLElement} container */
function roomOf(container) {
  const taken = padding(container);
  return {
    wide: Math.max(80, container.clientWidth - taken.left - taken.right),
    high: Math.max(80, container.clientHeight - taken.top - taken.bottom),
    x: (taken.left - taken.right) / 2,
    y: (taken.top - taken.bottom) / 2,
    legend: taken.legend,
  };
}

/**
 * How the tilted camera puts a point of the ground on the screen, both counted in pixels from the middle.
 * @param {import("maplibre-gl").Map} map @param {HTMLElement} container
 */
function lens(map, container) {
  const tilt = (map.getPitch() * Math.PI) / 180;
  const away = container.clientHeight / 2 / Math.tan((map.getVerticalFieldOfView() * Math.PI) / 360);
  const see = (/** @type {number} */ x, /** @type {number} */ y) => {
    const nearer = away / Math.max(away * 0.2, away - y * Math.sin(tilt));
    return { x: x * nearer, y: y * Math.cos(tilt) * nearer };
  };
  see.back = (/** @type {number} */ x, /** @type {number} */ y) => ({ x, y: y / Math.cos(tilt) });
  return see;
}

/** @param {{x: number, y: number}[]} points @returns {Bounds} */
function boundsOf(points) {
  const bounds = { west: Infinity, north: Infinity, east: -Infinity, south: -Infinity };
  for (const { x, y } of points) {
    bounds.west = Math.min(bounds.west, x);
    bounds.east = Math.max(bounds.east, x);
    bounds.north = Math.min(bounds.north, y);
    bounds.south = Math.max(bounds.south, y);
  }
  return bounds;
}

/** The corners of a box. @param {[number, number, number, number]} box @returns {[number, number][]} */
export const corners = ([west, south, east, north]) => [
  [west, south],
  [east, south],
  [east, north],
  [west, north],
];
