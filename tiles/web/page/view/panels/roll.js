// A number whose digits roll like a counter's. Readers of the screen are told the number alone.

import { el } from "../core/dom.js";
import { count } from "../core/format.js";

const STRIP = "0\n1\n2\n3\n4\n5\n6\n7\n8\n9";

/** Make a rolling number in an element; gives a function that sets it. @param {HTMLElement} place */
export function makeRoll(place) {
  const read = el("span", { class: "unseen" });
  const drawn = el("span", { class: "roll", "aria-hidden": "true" });
  place.append(read, drawn);
  let before = "";
  return (/** @type {number | null | undefined} */ value) => {
    const text = count(value);
    if (text === before) return;
    read.textContent = text;
    if (text.length !== before.length) drawn.replaceChildren(...[...text].map(makePlace));
    [...text].forEach((sign, at) => turn(/** @type {HTMLElement} */ (drawn.children[at]), sign));
    before = text;
  };
}

/** @param {string} sign */
function makePlace(sign) {
  if (!isDigit(sign)) return el("span", { class: "roll-sign" }, sign);
  return el("span", { class: "roll-digit" }, el("span", { class: "roll-strip" }, STRIP));
}

/** @param {HTMLElement} place @param {string} sign */
function turn(place, sign) {
  const strip = /** @type {HTMLElement | null} */ (place.firstElementChild);
  if (strip) strip.style.transform = `translateY(-${Number(sign)}em)`;
  else place.textContent = sign;
}

/** @param {string} sign */
const isDigit = (sign) => sign >= "0" && sign <= "9";
