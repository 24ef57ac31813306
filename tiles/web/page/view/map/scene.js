// What the parts of the map share: the page, the map itself, and where on the screen there is room for it.
//
// The columns lie on the map. What is looked at is brought into the middle of what they leave free.

/** @typedef {import("../main.js").Page} Page */
/** @typedef {import("maplibre-gl").Map} Map */
/** @typedef {import("./borders.js").Borders} Borders */
/** @typedef {Page & {map: Map, container: HTMLElement, borders: Borders}} Scene */
/** @typedef {import("maplibre-gl").LayerSpecification} Layer */
/** @typedef {import("maplibre-gl").SourceSpecification} Source */

export const LEVELS = ["district", "town", "community", "grid"];

/** How much room the legend takes from below: it stands in a corner, and areas may lie beside it. */
const FOOT = 48;
/** How high the legend is once it has all its rows: they come later than the first picture. */
const LEGEND = 244;

/** How much of each side of the map something else lies on, in pixels. @param {HTMLElement} container */
export function padding(container) {
  const box = container.getBoundingClientRect();
  const free = { left: box.left, right: box.right, top: box.top, bottom: box.bottom };
  let foot = box.bottom;
  for (const id of ["left", "right", "card", "top", "bottom"]) {
    const own = document.getElementById(id)?.getBoundingClientRect();
    if (!own || own.width === 0 || own.height === 0) continue;
    if (id === "left" && own.right < box.left + box.width / 2) free.left = Math.max(free.left, own.right);
    if ((id === "right" || id === "card") && own.left > box.left + box.width / 2) free.right = Math.min(free.right, own.left);
    if (id === "top") free.top = Math.max(free.top, own.bottom);
    if (id === "bottom" && own.bottom <= box.bottom) {
      free.bottom = Math.min(free.bottom, Math.max(own.top, own.bottom - FOOT));
      foot = Math.min(own.top, own.bottom - LEGEND);
    }
  }
  // Names stand beyond the edge of an area.
  const [edge, beside] = box.width < 700 ? [14, 14] : [28, 44];
  return {
    left: free.left - box.left + beside,
    right: box.right - free.right + beside,
    top: free.top - box.top + edge,
    bottom: box.bottom - free.bottom + edge,
    /** How much higher the legend reaches: what has room to spare is moved up by it. */
    legend: Math.max(0, free.bottom - foot),
  };
}

/** The colours of the page that the map needs, by the names they have in css/theme.css. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const read = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim() || "#888888";
  const dark = document.documentElement.dataset.theme !== "light";
  // Discs on the map are larger than letters: on light they may be as bright as they are on dark.
  const marks = dark
    ? { red: read("alarm"), orange: read("orange"), yellow: read("yellow"), blue: read("blue") }
    : { red: "#d01226", orange: "#f28c00", yellow: "#f4c60c", blue: "#2f78d0" };
  return {
    dark,
    ...marks,
    ground: read("ground"),
    accent: read("accent"),
    gold: dark ? read("gold") : "#e0a100",
    ink: read("strong"),
    soft: read("soft"),
    green: read("green"),
    rim: dark ? "#04101f" : "#ffffff",
    /** Letters on a bright disc, and on a dark one. */
    letters: [dark ? "#04101f" : "#0b2140", dark ? "#04101f" : "#ffffff"],
  };
}

/** @typedef {ReturnType<typeof colours>} Colours */

/** The level of the area that is chosen; "city" while none is. @param {import("../core/store.js").State} state */
export function chosenLevel(state) {
  if (state.area === null) return "city";
  const last = state.chain.at(-1);
  return last?.code === state.area ? last.level : null;
}

/** The level below one; of the last one it is itself. @param {string} level */
export const below = (level) => LEVELS[Math.min(LEVELS.indexOf(level) + 1, LEVELS.length - 1)];

/** Whether somebody is typing, so that keys are letters. @param {EventTarget | null} target */
export const types = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/**
 * At most once in so many ms, and always once after the last call.
 * @param {number} pause @param {() => void} call
 */
export function seldom(pause, call) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let timer;
  let last = -pause;
  const soon = () => {
    if (timer !== undefined) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        last = performance.now();
        call();
      },
      Math.max(0, last + pause - performance.now()),
    );
  };
  soon.end = () => clearTimeout(timer);
  return soon;
}
