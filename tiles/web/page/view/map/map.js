// The map: MapLibre with the service's style, and the parts that live on it.
//
// The theme is changed by composing the style anew (compose.js); the edition by giving the sources the address
// of the new tiles, so that the old ones stay until the new ones are there.

import { AttributionControl, Map as GlMap, NavigationControl, setWorkerUrl } from "../lib/maplibre-gl.mjs";
import { baseMap } from "./base.js";
import { Borders } from "./borders.js";
import { compose, rampOf } from "./compose.js";
import { startDevices, devicesPiece } from "./devices.js";
import { startDrill } from "./drill.js";
import { drawEdition } from "./editions.js";
import { startHover } from "./hover.js";
import { startKeys } from "./keys.js";
import { liftedPiece, startLifted } from "./lifted.js";
import { livePiece, startLive } from "./live.js";
import { startMending } from "./mending.js";
import { startMotion } from "./motion.js";
import { pastPiece, startPast } from "./past.js";
import { colours } from "./scene.js";
import { startValues } from "./values.js";
import { learn, say } from "../core/words.js";

learn({
  map: [
    "网格地图：方向键移动，加减号缩放，回车选择十字处的区域，Esc 返回上级",
    "Map of the grids: arrow keys move it, plus and minus zoom, Enter chooses the area at the cross, Esc goes up",
  ],
  zoom_in: ["放大", "Zoom in"],
  zoom_out: ["缩小", "Zoom out"],
  compass: ["拖动旋转，点击回正", "Drag to turn, click to look north"],
  credits: ["地图来源", "Sources of the map"],
  no_base: ["底图无法读取：{0}", "The base map cannot be read: {0}"],
});

const TILT = 42;
const STEEPEST = 72;
const LEAST_ZOOM = 4;
const MOST_ZOOM = 20.5;

/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {import("./scene.js").Page} Page */

/**
 * Start the map in an element; gives it, and a function that ends it.
 * @param {Page} page @param {HTMLElement} container
 */
export function startMap(page, container) {
  setWorkerUrl(new URL("../lib/maplibre-gl-worker.mjs", import.meta.url).href);
  const { store, bus, net, config } = page;
  const root = new URL(`${page.root}/`, location.href).href.slice(0, -1);
  const base = baseMap(config.base_map, root);
  const pieces = () => {
    const paint = colours();
    return [base.piece(paint), liftedPiece(paint), livePiece(paint, root), devicesPiece(paint), pastPiece(paint)];
  };
  const address = (/** @type {string} */ theme) => `${root}/styles/${theme}.json`;
  /** @type {import("maplibre-gl").TransformStyleFunction} */
  const transformStyle = (before, next) => {
    ramp = rampOf(next);
    return base.over(compose(before, next, pieces()));
  };
  /** @type {string[]} */
  let ramp = [];
  const placed = location.hash.length > 1;
  const map = new GlMap({
    container,
    style: address(store.state.theme),
    transformStyle,
    hash: true,
    bounds: config.bounds,
    pitch: TILT,
    maxPitch: STEEPEST,
    minZoom: LEAST_ZOOM,
    maxZoom: MOST_ZOOM,
    renderWorldCopies: false,
    fadeDuration: 0,
    doubleClickZoom: false,
    attributionControl: false,
    pixelRatio: Math.min(devicePixelRatio, 2),
    maxTileCacheZoomLevels: 3,
    transformRequest: (url) =>
      net.token && url.startsWith(`${root}/`)
        ? { url, headers: { Authorization: `Bearer ${net.token}` } }
        : { url },
    locale: {
      "Map.Title": say("map"),
      "NavigationControl.ZoomIn": say("zoom_in"),
      "NavigationControl.ZoomOut": say("zoom_out"),
      "NavigationControl.ResetBearing": say("compass"),
      "AttributionControl.ToggleAttribution": say("credits"),
    },
  });
  map.addControl(new NavigationControl({ visualizePitch: true }), "top-left");
  const credit = config.base_map?.attribution;
  map.addControl(new AttributionControl({ compact: true, customAttribution: credit || undefined }), "bottom-right");
  /** @type {Scene} */
  const scene = { ...page, root, map, container, borders: new Borders(net) };
  base.read?.(
    () => map.setStyle(address(store.state.theme), { diff: true, transformStyle }),
    (error) => bus.tell("toast", { text: say("no_base", error.message), grave: true }),
  );
  const ends = [
    keepTheme(scene, address, transformStyle),
    keepEdition(scene),
    keepSize(scene),
    keepWords(scene),
    startMending(scene),
  ];
  map.on("moveend", () => {
    const box = map.getBounds();
    const [west, south, east, north] = [box.getWest(), box.getSouth(), box.getEast(), box.getNorth()];
    bus.tell("moved", { west, south, east, north, zoom: map.getZoom() });
  });
  ends.push(startDrill(scene, placed), startHover(scene), startKeys(scene));
  map.on("style.load", () => bus.tell("restyled"));
  map.once("style.load", () => {
    ends.push(
      startLifted(scene),
      startValues(scene, () => ramp),
      startLive(scene),
      startDevices(scene),
      startMotion(scene),
      startPast(scene),
    );
  });
  const end = () => {
    for (const each of ends.splice(0)) each();
    base.end();
    map.remove();
  };
  return { map, end };
}

/**
 * Have the style follow the theme. The page's own colours change first: they are read when it is composed.
 * @param {Scene} scene @param {(theme: string) => string} address
 * @param {import("maplibre-gl").TransformStyleFunction} transformStyle
 */
function keepTheme({ store, map }, address, transformStyle) {
  return store.watch(["theme"], async ({ theme }) => {
    await new Promise((done) => requestAnimationFrame(done));
    if (store.state.theme !== theme) return;
    map.setStyle(address(theme), { diff: true, transformStyle });
  });
}

/** Have the tiles follow the edition, in place; while the past is shown (past.js) they wait. @param {Scene} scene */
function keepEdition({ store, map, borders }) {
  let drawn = store.state.edition;
  return store.watch(["edition", "replay"], ({ edition, replay }, before) => {
    if (edition !== before.edition) borders.forget();
    if (replay !== null || edition === drawn) return;
    const first = drawn === 0;
    drawn = edition;
    if (first) return;
    drawEdition(map, null);
  });
}

/** @param {Scene} scene */
function keepSize({ map, container }) {
  const watcher = new ResizeObserver(() => map.resize());
  watcher.observe(container);
  return () => watcher.disconnect();
}

/** Have the words of the controls follow the language. @param {Scene} scene */
function keepWords({ store, map, container }) {
  return store.follow(["language"], () => {
    /** @type {[string, string][]} */
    const words = [
      [".maplibregl-ctrl-zoom-in", "zoom_in"],
      [".maplibregl-ctrl-zoom-out", "zoom_out"],
      [".maplibregl-ctrl-compass", "compass"],
      [".maplibregl-ctrl-attrib-button", "credits"],
    ];
    for (const [selector, word] of words) {
      const found = container.querySelector(selector);
      found?.setAttribute("title", say(word));
      found?.setAttribute("aria-label", say(word));
    }
    map.getCanvas().setAttribute("aria-label", say("map"));
  });
}
