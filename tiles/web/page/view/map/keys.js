// The map by keyboard: arrows move it (MapLibre does that), Enter chooses the area at the cross, Esc goes up.
//
// The cross shows where Enter chooses, while the map has the focus. It stands inside the chosen area, as near to
// the middle of what the columns leave free as it can: the middle of an area that is bent lies outside of it.
// It stays there on the screen, and the map moves below it, until another area is chosen.

import { el } from "../core/dom.js";
import { wordsOf } from "../core/problems.js";
import { ringsOf } from "./borders.js";
import { choose, goUp } from "./drill.js";
import { LEVELS, padding, types } from "./scene.js";

const STEP_PX = 9;
const ROUNDS = 60;
/** So far around the cross all is to be inside. */
const DEEP_PX = 10;

/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {[number, number]} Spot  pixels of the map */

/** @param {Scene} scene */
export function startKeys(scene) {
  const { map, container, store, bus } = scene;
  const cross = el("div", { class: "map-cross", "aria-hidden": "true" });
  container.append(cross);
  const canvas = map.getCanvas();
  /** @type {Spot} */ let spot = [0, 0];
  /** @type {string | null | undefined} */ let placedFor;
  const refused = (/** @type {unknown} */ error) => bus.tell("toast", { text: wordsOf(error), grave: true });
  const place = async () => {
    const { area } = store.state;
    if (document.activeElement !== canvas || placedFor === area || map.isMoving()) return;
    const border = area === null ? null : await scene.borders.of(area).catch(() => null);
    if (store.state.area !== area) return;
    placedFor = area;
    spot = nearest(middle(scene), border ? isWithin(scene, ringsOf(border.geometry)) : isCity(scene));
    cross.style.transform = `translate(${Math.round(spot[0])}px, ${Math.round(spot[1])}px)`;
  };
  const anew = () => {
    placedFor = undefined;
    place();
  };
  const enter = async (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    await place();
    choose(scene, map.unproject(spot)).catch(refused);
  };
  const escape = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || event.defaultPrevented || types(event.target)) return;
    if (store.state.card === null && store.state.area !== null) goUp(scene).catch(refused);
  };
  canvas.addEventListener("focus", place);
  canvas.addEventListener("keydown", enter);
  map.on("moveend", place);
  map.on("resize", anew);
  // Before everybody else: whoever closes a card by Esc would otherwise go up as well.
  addEventListener("keydown", escape, { capture: true });
  return () => {
    canvas.removeEventListener("focus", place);
    canvas.removeEventListener("keydown", enter);
    map.off("moveend", place);
    map.off("resize", anew);
    removeEventListener("keydown", escape, { capture: true });
    cross.remove();
  };
}

/** The middle of what the columns leave free. @param {Scene} scene @returns {Spot} */
function middle({ container }) {
  const { left, right, top, bottom, legend } = padding(container);
  return [(left + container.clientWidth - right) / 2, (top + container.clientHeight - bottom - legend) / 2];
}

/**
 * The spot that is inside and nearest to one, looked for in rings around it; the one itself where there is none.
 * @param {Spot} from @param {(spot: Spot) => boolean} isInside @returns {Spot}
 */
export function nearest([x, y], isInside) {
  const isDeep = (/** @type {Spot} */ [a, b]) =>
    isInside([a, b]) &&
    [a - DEEP_PX, a + DEEP_PX].every((each) => isInside([each, b])) &&
    [b - DEEP_PX, b + DEEP_PX].every((each) => isInside([a, each]));
  for (const isGood of [isDeep, isInside]) {
    for (let round = 0; round < ROUNDS; round++) {
      const many = Math.max(1, 6 * round);
      for (let at = 0; at < many; at++) {
        const turn = (2 * Math.PI * at) / many;
        const spot = /** @type {Spot} */ ([x + STEP_PX * round * Math.cos(turn), y + STEP_PX * round * Math.sin(turn)]);
        if (isGood(spot)) return spot;
      }
    }
  }
  return [x, y];
}

/** Whether a spot is in an area. @param {Scene} scene @param {[number, number][][]} rings */
function isWithin({ map }, rings) {
  return (/** @type {Spot} */ spot) => {
    const { lng, lat } = map.unproject(spot);
    let inside = false;
    for (const ring of rings) {
      for (let at = 1; at < ring.length; at++) {
        const [[ax, ay], [bx, by]] = [ring[at - 1], ring[at]];
        if (ay > lat !== by > lat && lng < ax + ((lat - ay) / (by - ay)) * (bx - ax)) inside = !inside;
      }
    }
    return inside;
  };
}

/** Whether a spot is in the city, as far as it is drawn. @param {Scene} scene */
function isCity({ map }) {
  const layers = LEVELS.map((level) => `${level}-fill`).filter((id) => map.getLayer(id));
  return (/** @type {Spot} */ spot) => map.queryRenderedFeatures(spot, { layers }).length > 0;
}
