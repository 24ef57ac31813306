// From a thing to its card and its place on the map.

/** @typedef {import("../main.js").Page} Page */

export const NEAR = 16.5;

/**
 * Look closely at something, and show where it is.
 * @param {Page} page
 * @param {import("../core/store.js").Card} card
 * @param {readonly [number, number] | null} [at]
 */
export function goTo({ store, bus }, card, at) {
  store.set({ card });
  if (at) bus.tell("fly", { at, zoom: NEAR });
}

/** Choose an area, and close what was open. @param {Page} page @param {string | null} code */
export const choose = ({ store }, code) => store.set({ area: code, card: null });

/** Whether something that came with the stream is in an area. @param {string | null} area @param {any} data */
export function isIn(area, data) {
  if (area === null) return true;
  const codes = data.codes ?? [data.grid ?? data.code ?? data.order?.code ?? ""];
  return codes.some((/** @type {string | null} */ code) => code?.startsWith(area));
}
