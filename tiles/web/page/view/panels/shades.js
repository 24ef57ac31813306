// Shades of one row of things, from strong to pale: of the page's accent, mixed into its ground.

/** @typedef {readonly [number, number, number]} Rgb */

/** @param {string} text #rrggbb or #rgb @returns {Rgb} */
function read(text) {
  const short = text.length === 4;
  const at = (/** @type {number} */ place) =>
    short ? 17 * parseInt(text[place + 1], 16) : parseInt(text.slice(2 * place + 1, 2 * place + 3), 16);
  return [at(0), at(1), at(2)];
}

/** @param {Rgb} a @param {Rgb} b @param {number} part of b */
const mix = (a, b, part) => `rgb(${a.map((each, at) => Math.round(each + (b[at] - each) * part)).join(",")})`;

/**
 * The shade of the n-th of so many.
 * @param {{accent: string, ground: string}} colours
 * @param {number} place
 * @param {number} many
 */
export function shade(colours, place, many) {
  return mix(read(colours.accent), read(colours.ground), many < 2 ? 0 : (0.82 * place) / (many - 1));
}
