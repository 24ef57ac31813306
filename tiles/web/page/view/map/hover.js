// What the pointer is on: the area that a click would choose lights up, and a small flag says its name.
//
// The map is drawn anew for each change of light, so a change is made at most some times a second, and none
// while the map moves.

import { EVENTS, LIVE } from "./live.js";
import { below, chosenLevel, LEVELS } from "./scene.js";
import { el } from "../core/dom.js";
import { clock, count } from "../core/format.js";
import { learn, say } from "../core/words.js";

learn({
  hover_many: ["{0} 件未结", "{0} open"],
  hover_since: ["{0} 起", "since {0}"],
});

const PAUSE_MS = 90;

/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {{source: string, sourceLayer: string, id: string | number}} Lit */

/** @param {Scene} scene */
export function startHover(scene) {
  const { map, container, store } = scene;
  const flag = el("div", { class: "map-flag", hidden: true, "aria-hidden": "true" });
  container.append(flag);
  /** @type {Lit | null} */ let lit = null;
  /** @type {import("maplibre-gl").Point | null} */ let at = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let timer;
  const light = (/** @type {Lit | null} */ next) => {
    if (lit?.id === next?.id && lit?.sourceLayer === next?.sourceLayer) return;
    if (lit && map.getSource(lit.source)) map.removeFeatureState(lit, "hover");
    if (next) map.setFeatureState(next, { hover: true });
    lit = next;
  };
  const look = () => {
    timer = undefined;
    if (!at || map.isMoving() || !map.getLayer("district-fill")) return;
    const live = map.queryRenderedFeatures(at, { layers: LIVE.filter((id) => map.getLayer(id)) })[0];
    const area = live ? undefined : areaAt(scene, at);
    light(area ? { source: area.source, sourceLayer: String(area.sourceLayer), id: area.id ?? 0 } : null);
    const text = live ? wordsOf(live) : area ? String(area.properties.name ?? "") : "";
    flag.textContent = text;
    flag.hidden = text === "";
    flag.style.transform = `translate(${Math.round(at.x + 14)}px, ${Math.round(at.y + 16)}px)`;
    map.getCanvas().style.cursor = live || area ? "pointer" : "";
  };
  const move = (/** @type {import("maplibre-gl").MapMouseEvent} */ event) => {
    at = event.point;
    timer ??= setTimeout(look, PAUSE_MS);
  };
  const leave = () => {
    at = null;
    flag.hidden = true;
    light(null);
  };
  map.on("mousemove", move);
  map.on("mouseout", leave);
  map.on("movestart", leave);
  const end = store.watch(["area", "edition", "theme"], leave);
  return () => {
    end();
    clearTimeout(timer);
    map.off("mousemove", move);
    map.off("mouseout", leave);
    map.off("movestart", leave);
    flag.remove();
  };
}

/**
 * The area at a point that a click would choose, where its level has a fill.
 * @param {Scene} scene @param {import("maplibre-gl").Point} at
 */
function areaAt({ map, store }, at) {
  const level = chosenLevel(store.state);
  const next = level === "city" ? LEVELS[0] : level ? below(level) : LEVELS.at(-1);
  const from = LEVELS.indexOf(/** @type {string} */ (next));
  const layers = LEVELS.slice(from).map((each) => `${each}-fill`);
  const found = map.queryRenderedFeatures(at, { layers: layers.filter((id) => map.getLayer(id)) });
  const wanted = layers.find((id) => found.some((each) => each.layer.id === id));
  return found.find((each) => each.layer.id === wanted);
}

/** A thing that is open, in words. @param {import("maplibre-gl").MapGeoJSONFeature} found */
function wordsOf({ properties, layer }) {
  if (properties.count > 1) return say("hover_many", count(properties.count));
  const since = EVENTS.includes(layer.id) && properties.opened_at;
  const parts = [properties.title, properties.class, since ? say("hover_since", clock(properties.opened_at)) : ""];
  return parts.filter(Boolean).join(" · ");
}
