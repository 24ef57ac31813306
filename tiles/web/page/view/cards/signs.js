// Marks that are read without colour: each urgency and lamp has a shape and a word beside its colour.

import { el } from "../core/dom.js";
import { term } from "./terms.js";

const SHAPES = { red: "▲", orange: "◆", yellow: "■", blue: "●" };
const LAMPS = { green: "●", yellow: "◆", red: "▲", supervised: "★" };

/** The sign of an urgency: ▲红. @param {string | null | undefined} urgency */
export function urgencySign(urgency) {
  const key = /** @type {keyof typeof SHAPES} */ (urgency ?? "blue");
  return el(
    "span",
    { class: "sign", "data-urgency": key },
    el("i", { "aria-hidden": "true" }, SHAPES[key] ?? "●"),
    term("urgency", key),
  );
}

/** The sign of an order's clocks. @param {string} lamp */
export function lampSign(lamp) {
  const shape = LAMPS[/** @type {keyof typeof LAMPS} */ (lamp)] ?? "●";
  return el(
    "span",
    { class: "sign", "data-lamp": lamp },
    el("i", { "aria-hidden": "true" }, shape),
    term("lamp", lamp),
  );
}

/** The state of an order as a small plate. @param {string | null | undefined} state */
export const statePlate = (state) =>
  state ? el("span", { class: "plate", "data-state": state }, term("state", state)) : null;

/** A mark that something is a drill. @param {string} word */
export const drillPlate = (word) => el("span", { class: "plate drill" }, word);
