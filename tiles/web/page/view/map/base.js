// What lies under the grids: the operator's own base map, or, without one, rivers of light.
//
// A base map is a picture (xyz, or a WMTS written as xyz) or a PMTiles archive, of pictures or of vectors. Of a
// vector archive nobody knows the layers before it is read, so all its lines are drawn, thin, and water filled.
// Without a base map the borders of the wider levels shine far beyond their lines, over a faint net of degrees:
// layers of the style alone, which cost nothing while nothing moves.


/** @typedef {{kind: "xyz" | "wmts" | "pmtiles", url: string, attribution: string}} Given */
/** @typedef {import("./compose.js").Piece} Piece */

const WATER = /water|river|ocean|lake/i;
const SEEN_THROUGH = 0.28;

/**
 * The base map of the settings: what it brings to a style, and what it changes there.
 * @param {Given | null} given @param {string} root
 */
export function baseMap(given, root) {
  if (!given) return { piece: lights, over: (/** @type {any} */ style) => style, end: () => {} };
  const archive = given.kind === "pmtiles" ? readArchive(given, root) : null;
  return {
    piece: (/** @type {import("./scene.js").Colours} */ paint) => {
      if (archive?.found) return vectors(archive.found, paint);
      return archive ? { sources: {}, layers: [] } : picture(given, paint, root);
    },
    over: seenThrough,
    /**
     * When the archive has been read, call: what is in it can be drawn.
     * @param {() => void} call @param {(error: Error) => void} fail
     */
    read: (call, fail) => void archive?.ready.then(call, fail),
    end: () => archive?.end(),
  };
}

/** The same style with a ground through which the base map is seen. @param {any} style */
function seenThrough(style) {
  const layers = style.layers.map((/** @type {any} */ layer) =>
    layer.id === "district-fill" ? { ...layer, paint: { ...layer.paint, "fill-opacity": SEEN_THROUGH } } : layer,
  );
  return { ...style, layers };
}

/** @param {Given} given @param {import("./scene.js").Colours} paint @param {string} root @returns {Piece} */
function picture({ url, attribution }, paint, root) {
  const address = url.startsWith("/") ? new URL(root).origin + url : url; // URL itself would write { as %7B
  return {
    sources: { base: { type: "raster", tiles: [address], tileSize: 256, maxzoom: 18, attribution } },
    layers: [["ground", raster(paint)]],
  };
}

/** On dark a bright map of others is dimmed. @param {import("./scene.js").Colours} paint */
const raster = (paint) => ({
  id: "base",
  type: "raster",
  source: "base",
  paint: paint.dark
    ? { "raster-opacity": 0.36, "raster-brightness-max": 0.6, "raster-saturation": -0.5, "raster-fade-duration": 0 }
    : { "raster-opacity": 0.85, "raster-saturation": -0.2, "raster-fade-duration": 0 },
});

/** Read an archive's head, so that its layers are known. @param {Given} given @param {string} root */
function readArchive(given, root) {
  const address = new URL(given.url, `${root}/`).href;
  /** @type {{found: any, ready: Promise<void>, end: () => void}} */
  const archive = { found: null, ready: Promise.resolve(), end: () => {} };
  archive.ready = (async () => {
    const [{ PMTiles, Protocol }, { addProtocol, removeProtocol }] = await Promise.all([
      import("../lib/pmtiles.mjs"),
      import("../lib/maplibre-gl.mjs"),
    ]);
    const protocol = new Protocol();
    const file = new PMTiles(address);
    protocol.add(file);
    addProtocol("pmtiles", protocol.tile);
    archive.end = () => removeProtocol("pmtiles");
    const [header, metadata] = await Promise.all([file.getHeader(), file.getMetadata()]);
    const names = /** @type {any} */ (metadata).vector_layers?.map((/** @type {any} */ each) => each.id) ?? [];
    archive.found = { address, names, vector: header.tileType === 1, attribution: given.attribution };
  })();
  return archive;
}

/**
 * @param {{address: string, names: string[], vector: boolean, attribution: string}} found
 * @param {import("./scene.js").Colours} paint @returns {Piece}
 */
function vectors(found, paint) {
  const { vector, attribution } = found;
  const base = { type: vector ? "vector" : "raster", url: `pmtiles://${found.address}`, attribution };
  if (!vector) return { sources: { base: { ...base, tileSize: 256 } }, layers: [["ground", raster(paint)]] };
  /** @type {Piece["layers"]} */
  const layers = [];
  for (const name of found.names) {
    const own = { source: "base", "source-layer": name };
    if (WATER.test(name)) {
      const water = { "fill-color": paint.blue, "fill-opacity": paint.dark ? 0.18 : 0.25 };
      const filter = ["==", ["geometry-type"], "Polygon"];
      layers.push(["ground", { id: `base-${name}-fill`, type: "fill", ...own, filter, paint: water }]);
    }
    const line = { "line-color": paint.soft, "line-width": 0.6, "line-opacity": 0.35 };
    const filter = ["!=", ["geometry-type"], "Point"];
    layers.push(["ground", { id: `base-${name}-line`, type: "line", ...own, filter, paint: line }]);
  }
  return { sources: { base }, layers };
}

/**
 * Rivers of light: wide light along the borders, a faint net under them.
 * @param {import("./scene.js").Colours} paint @returns {Piece}
 */
function lights(paint) {
  const river = (/** @type {string} */ level, /** @type {number[]} */ widths, /** @type {number} */ strength) => ({
    id: `${level}-river`,
    type: "line",
    source: "areas",
    "source-layer": level,
    layout: { "line-join": "round" },
    paint: {
      "line-color": paint.dark ? "#0f7fd0" : "#9cc6ef",
      "line-width": ["interpolate", ["exponential", 1.4], ["zoom"], ...widths],
      "line-blur": ["interpolate", ["exponential", 1.4], ["zoom"], ...widths],
      "line-opacity": strength,
    },
  });
  const net = { "line-color": paint.accent, "line-width": 0.5 };
  const faint = paint.dark ? 0.24 : 0.2;
  return {
    sources: { net: { type: "geojson", data: graticule(), maxzoom: 8, tolerance: 1 } },
    layers: [
      ["ground", { id: "net", type: "line", source: "net", paint: { ...net, "line-opacity": faint } }],
      ["ground", river("district", [4, 6, 8, 16, 12, 30, 16, 50], paint.dark ? 0.5 : 0.7)],
    ],
  };
}

/** Lines of whole tenths of a degree over the part of the world where such a city can be. */
function graticule() {
  const lines = [];
  for (let lon = 1040; lon <= 1120; lon += 1) {
    lines.push([
      [lon / 10, 27],
      [lon / 10, 33.5],
    ]);
  }
  for (let lat = 270; lat <= 335; lat += 1) {
    lines.push([
      [104, lat / 10],
      [112, lat / 10],
    ]);
  }
  return { type: "Feature", properties: {}, geometry: { type: "MultiLineString", coordinates: lines } };
}

