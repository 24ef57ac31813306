// The borders of areas, asked for once, while the edition is the same one.

/**
 * @typedef {[number, number, number, number]} Box
 * @typedef {{type: "Feature", id: string, bbox?: Box, properties: any, geometry: any}} Border
 */

const KEPT = 40;

export class Borders {
  /** @param {import("../core/net.js").Net} net */
  constructor(net) {
    this.net = net;
    /** @type {Map<string, Promise<Border>>} */ this.known = new Map();
  }

  /** The border of an area, as GeoJSON with a box. @param {string} code @returns {Promise<Border>} */
  of(code) {
    const known = this.known.get(code);
    if (known) return known;
    const asked = this.net.get(`/areas/${encodeURIComponent(code)}`, { f: "geojson" });
    this.known.set(code, asked);
    asked.catch(() => this.known.delete(code));
    if (this.known.size > KEPT) this.known.delete(/** @type {string} */ (this.known.keys().next().value));
    return asked;
  }

  forget() {
    this.known.clear();
  }
}

/** The rings of a border, each a list of places. @param {any} geometry @returns {[number, number][][]} */
export function ringsOf(geometry) {
  if (!geometry) return [];
  return geometry.type === "Polygon" ? geometry.coordinates : geometry.coordinates.flat();
}

/** The outer rings of a border. @param {any} geometry @returns {[number, number][][]} */
export function outerRings(geometry) {
  if (!geometry) return [];
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  return polygons.map((/** @type {[number, number][][]} */ rings) => rings[0]);
}

/**
 * A ring with fewer corners: those nearer to the last one kept than `least` degrees are left out.
 * @param {[number, number][]} ring @param {number} least
 */
export function thinned(ring, least) {
  const kept = [ring[0]];
  for (const place of ring) {
    const [x, y] = kept[kept.length - 1];
    if (Math.abs(place[0] - x) + Math.abs(place[1] - y) >= least) kept.push(place);
  }
  if (kept.length < 4) return ring;
  kept.push(kept[0]);
  return kept;
}
