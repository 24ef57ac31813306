// Numbers cut into few colours: the classes of the service, or, until it answers, equal shares of our own.
//
// An area of which the number is 0 has no colour, so that what there is stands out; the legend counts it in a
// row of its own. So every area is in one row, and the counts add up.

/** @typedef {{from: number, to: number}} Class  numbers from `from` on and below `to`; the last holds `to` */
/** @typedef {{from: number, to: number, count: number, colour: string}} Row */

/**
 * Classes of about equally many numbers, the zeros left out.
 * @param {Iterable<number>} values @param {number} most @returns {Class[]}
 */
export function quantiles(values, most) {
  const sorted = [...values].filter((value) => value !== 0).sort((a, b) => a - b);
  if (!sorted.length) return [];
  const starts = Array.from({ length: most }, (_, at) => sorted[Math.floor((at * sorted.length) / most)]);
  const different = [...new Set(starts)];
  const last = sorted[sorted.length - 1];
  return different.map((from, at) => ({ from, to: different[at + 1] ?? last }));
}

/** Which class a number is in; -1 for none. @param {Class[]} classes @param {number} value */
export function classOf(classes, value) {
  if (value === 0 || !classes.length) return -1;
  let found = 0;
  for (let at = 1; at < classes.length && value >= classes[at].from; at++) found = at;
  return found;
}

/** The classes in which a number other than 0 can be. @param {Class[]} classes @returns {Class[]} */
export function withoutZero(classes) {
  const zero = (/** @type {Class} */ { from, to }, /** @type {boolean} */ last) =>
    from === 0 && (to === 0 || (to === 1 && !last));
  return classes
    .filter((each, at) => !zero(each, at === classes.length - 1))
    .map(({ from, to }) => ({ from: from === 0 && Number.isInteger(to) ? 1 : from, to }));
}

/** Where in the ramp a class stands, from 0 to 1. @param {number} at @param {number} many */
export const placeOf = (at, many) => (many < 2 ? 0.7 : at / (many - 1));

/** The colour at a place in a ramp of #rrggbb. @param {string[]} ramp @param {number} place */
export function colourAt(ramp, place) {
  if (!ramp.length) return "#888888";
  const scaled = place * (ramp.length - 1);
  const low = Math.min(Math.floor(scaled), ramp.length - 1);
  const high = Math.min(low + 1, ramp.length - 1);
  const part = (/** @type {string} */ colour, /** @type {number} */ at) =>
    Number.parseInt(colour.slice(1 + 2 * at, 3 + 2 * at), 16);
  const mixed = [0, 1, 2].map((at) => {
    const value = part(ramp[low], at) + (part(ramp[high], at) - part(ramp[low], at)) * (scaled - low);
    return Math.round(value).toString(16).padStart(2, "0");
  });
  return `#${mixed.join("")}`;
}

/**
 * The rows of a legend: how many numbers are in each class, and how many are 0.
 * @param {Class[]} classes @param {Iterable<number>} values @param {string[]} ramp
 * @returns {{rows: Row[], zeros: number, total: number, sum: number}}
 */
export function counted(classes, values, ramp) {
  const colour = (/** @type {number} */ at) => colourAt(ramp, placeOf(at, classes.length));
  const rows = classes.map(({ from, to }, at) => ({ from, to, count: 0, colour: colour(at) }));
  let [zeros, total, sum] = [0, 0, 0];
  for (const value of values) {
    total += 1;
    sum += value;
    const at = classOf(classes, value);
    if (at < 0) zeros += 1;
    else rows[at].count += 1;
  }
  return { rows, zeros, total, sum };
}
