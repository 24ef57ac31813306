// What of the state stands in the address, so that it can be sent to somebody, or come back to.
//
//   /view?area=500103001&theme=light&lang=en&metric=households&card=order:o-17
//
// The map's own place (#zoom/lat/lon/bearing/pitch) is kept by the map.

/** @typedef {import("./store.js").State} State */

const CARD = /^(area|building|order|event):([\w.:-]{1,80})$/;
const CODE = /^[\w.:-]{1,60}$/;

/** Kinds of live things that can be hidden. */
export const HIDEABLE = ["event", "order", "device"];

/** The part of the state that an address holds. @param {URLSearchParams} query @returns {Partial<State>} */
export function readAddress(query) {
  /** @type {{-readonly [name in keyof State]?: State[name]}} */
  const found = {};
  const area = query.get("area");
  if (area && CODE.test(area)) found.area = area;
  const theme = query.get("theme");
  if (theme === "dark" || theme === "light") found.theme = theme;
  const language = query.get("lang");
  if (language === "zh" || language === "en") found.language = language;
  if (query.has("metric")) found.metric = query.get("metric") || null;
  const card = CARD.exec(query.get("card") ?? "");
  if (card) found.card = { kind: /** @type {any} */ (card[1]), id: card[2] };
  const hidden = query.get("hide");
  if (hidden) found.hidden = hidden.split(",").filter((each) => HIDEABLE.includes(each));
  return found;
}

/** The address of a state; what other parts of the page have put into it stays. @param {State} state @param {string} current */
export function writeAddress(state, current) {
  const address = new URL(current);
  const put = (/** @type {string} */ name, /** @type {string | null} */ value) =>
    value === null ? address.searchParams.delete(name) : address.searchParams.set(name, value);
  put("area", state.area);
  put("theme", state.theme === "dark" ? null : state.theme);
  put("lang", state.language === "zh" ? null : state.language);
  put("metric", state.metric === "open_orders" ? null : (state.metric ?? ""));
  put("card", state.card ? `${state.card.kind}:${state.card.id}` : null);
  put("hide", state.hidden.length ? state.hidden.join(",") : null);
  return address.href;
}
