// The style of the map: the service's own (GET /styles/{theme}.json), with what the page draws on it.
//
// A piece brings sources and layers, each layer with the place where it belongs among those of the service.
// The style is composed anew for another theme or edition and given to the map, which changes only what
// differs: sources stay, and with them their tiles and the feature-state that colours them. So a source
// that the map has already is kept as it is, whatever the new style says, and so is what is hidden.

/** @typedef {import("maplibre-gl").StyleSpecification} Style */
/** @typedef {import("./scene.js").Layer} Layer */
/**
 * @typedef {"ground" | "shade" | "live" | "names"} Place
 *   above the ground; above all areas; below the names; above everything
 */
/** @typedef {{sources: Record<string, any>, layers: [Place, any][]}} Piece */

/** @param {Style | undefined} before @param {Style} next @param {Piece[]} pieces @returns {Style} */
export function compose(before, next, pieces) {
  /** @type {Record<string, any>} */
  const sources = { ...next.sources };
  for (const piece of pieces) Object.assign(sources, piece.sources);
  for (const name of Object.keys(sources)) if (before?.sources[name]) sources[name] = before.sources[name];
  const put = (/** @type {Place} */ place) =>
    pieces.flatMap((piece) => piece.layers.filter(([where]) => where === place).map(([, layer]) => layer));
  const own = next.layers;
  const ofAreas = (/** @type {any} */ layer) => layer.source === "areas" && layer.type !== "symbol";
  const areas = own.findLastIndex(ofAreas) + 1;
  const names = own.findIndex((layer) => layer.id.endsWith("-label"));
  const end = names < 0 ? own.length : names;
  const layers = [
    ...own.slice(0, 1),
    ...put("ground"),
    ...own.slice(1, areas),
    ...put("shade"),
    ...own.slice(areas, end),
    ...put("live"),
    ...own.slice(end).map(beside),
    ...put("names"),
  ];
  return { ...next, sources, layers: layers.map((layer) => keptHidden(before, layer)) };
}

/** Where a name stands: on its place, or around what is there. @type {any} */
const AROUND = ["center", "top", "bottom", "left", "right", "top-left", "top-right", "bottom-left", "bottom-right"];

/** Names that give way to what is live, and stand beside it. @param {Layer} layer @returns {Layer} */
function beside(layer) {
  if (layer.type !== "symbol" || !layer.layout?.["text-variable-anchor"]) return layer;
  const around = { "text-variable-anchor": AROUND, "text-radial-offset": 1.4, "text-padding": 2 };
  return { ...layer, layout: { ...layer.layout, ...around } };
}

/**
 * A layer that is shown or hidden as it is on the map now.
 * @param {Style | undefined} before @param {Layer} layer @returns {Layer}
 */
function keptHidden(before, layer) {
  const shown = /** @type {any} */ (before?.layers.find((each) => each.id === layer.id))?.layout?.visibility;
  return shown ? /** @type {Layer} */ ({ ...layer, layout: { ...layer.layout, visibility: shown } }) : layer;
}

/** The colours of values, from few to many, as the style has them. @param {Style} style @returns {string[]} */
export function rampOf(style) {
  /** @type {string[]} */
  let found = [];
  const look = (/** @type {any} */ expression) => {
    if (!Array.isArray(expression) || found.length) return;
    if (expression[0] === "interpolate" && JSON.stringify(expression[2]).includes("feature-state")) {
      found = expression.slice(3).filter((_, at) => at % 2 === 1);
    } else expression.forEach(look);
  };
  const fill = /** @type {any} */ (style.layers.find((layer) => layer.id.endsWith("-fill")));
  look(fill?.paint?.["fill-color"]);
  return found;
}

/**
 * Show or hide layers that the map has.
 * @param {import("maplibre-gl").Map} map @param {string[]} ids @param {boolean} shown
 */
export function show(map, ids, shown) {
  const wanted = shown ? "visible" : "none";
  for (const id of ids) {
    if (map.getLayer(id) && (map.getLayoutProperty(id, "visibility") ?? "visible") !== wanted) {
      map.setLayoutProperty(id, "visibility", wanted);
    }
  }
}

export const NOTHING = Object.freeze({ type: "FeatureCollection", features: [] });
