// Which edition's tiles the map draws.

const DRAWN = ["areas", "buildings", "things", "households"];

/**
 * Draw an edition, null for the current one: the sources of the service learn its tiles.
 *
 * A tile that was on its way while its source learnt of others comes from the old address, and MapLibre keeps it.
 * So once all is there, it is asked for again: what is right already lies in the browser's cache.
 * @param {import("maplibre-gl").Map} map @param {number | null} edition
 */
export function drawEdition(map, edition) {
  const found = DRAWN.filter((name) => /** @type {any} */ (map.getSource(name))?.setUrl);
  for (const name of found) {
    const source = /** @type {any} */ (map.getSource(name));
    const [plain] = source.url.split("?");
    source.setUrl(edition === null ? plain : `${plain}?edition=${edition}`);
  }
  map.once("idle", () => found.forEach((name) => map.getSource(name) && map.refreshTiles(name)));
}
