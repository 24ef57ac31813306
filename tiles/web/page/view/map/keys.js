// The map by keyboard: arrows move it (MapLibre does that), Enter chooses the area at the cross, Esc goes up.
//
// The cross shows where Enter chooses: in the middle of what the columns leave free, while the map has the focus.

import { el } from "../core/dom.js";
import { wordsOf } from "../core/problems.js";
import { choose, goUp } from "./drill.js";
import { padding, types } from "./scene.js";

/** @param {import("./scene.js").Scene} scene */
export function startKeys(scene) {
  const { map, container, store, bus } = scene;
  const cross = el("div", { class: "map-cross", "aria-hidden": "true" });
  container.append(cross);
  const canvas = map.getCanvas();
  const middle = () => {
    const { left, right, top, bottom, legend } = padding(container);
    return /** @type {[number, number]} */ ([
      (left + container.clientWidth - right) / 2,
      (top + container.clientHeight - bottom - legend) / 2,
    ]);
  };
  const focus = () => {
    const [x, y] = middle();
    cross.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  };
  const refused = (/** @type {unknown} */ error) => bus.tell("toast", { text: wordsOf(error), grave: true });
  const enter = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    choose(scene, map.unproject(middle())).catch(refused);
  };
  const escape = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || event.defaultPrevented || types(event.target)) return;
    if (store.state.card === null && store.state.area !== null) goUp(scene).catch(refused);
  };
  canvas.addEventListener("focus", focus);
  canvas.addEventListener("keydown", enter);
  // Before everybody else: whoever closes a card by Esc would otherwise go up as well.
  addEventListener("keydown", escape, { capture: true });
  return () => {
    canvas.removeEventListener("focus", focus);
    canvas.removeEventListener("keydown", enter);
    removeEventListener("keydown", escape, { capture: true });
    cross.remove();
  };
}
