// Which edition's tiles the map draws.

const DRAWN = ["areas", "buildings", "things", "households"];

/**
 * Draw an edition, null for the current one: the sources of the service learn its tiles.
 * @param {import("maplibre-gl").Map} map @param {number | null} edition
 */
export function drawEdition(map, edition) {
  for (const name of DRAWN) {
    const source = /** @type {any} */ (map.getSource(name));
    if (!source?.setUrl) continue;
    const [plain] = source.url.split("?");
    source.setUrl(edition === null ? plain : `${plain}?edition=${edition}`);
  }
}
