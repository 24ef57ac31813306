// A chart of ECharts in a panel: the library comes when the map has its first picture.
//
// Colours are the page's own, read from its style sheet, so one way of drawing does for dark and light.
// The canvas is only a picture: what it says is also said in words (`label`). Nothing in it moves by itself: a
// frame that is not drawn costs nothing.

import { el } from "../core/dom.js";

/**
 * @typedef {{
 *   ink: string,
 *   soft: string,
 *   line: string,
 *   ground: string,
 *   accent: string,
 *   gold: string,
 *   green: string,
 *   blue: string,
 *   font: string,
 * }} Colours
 */
/** @typedef {{set: (data: any) => void, chart: () => any, end: () => void}} Chart */

/** A chart is drawn anew at most so often: numbers tick beside it meanwhile. */
const REST_MS = 4_000;

/** @type {Promise<any> | null} */
let library = null;
let tries = 0;
/** The library; a browser keeps what it failed to load by its address, so another try has another one. */
const load = () =>
  (library ??= import(/** @type {any} */ (`../lib/echarts.mjs#${tries}`)).catch((error) => {
    library = null;
    tries += 1;
    throw error;
  }));
const idle = () =>
  new Promise((done) =>
    "requestIdleCallback" in window ? requestIdleCallback(done, { timeout: 1_500 }) : setTimeout(done, 200),
  );

/** @returns {Colours} */
export function coloursOf() {
  const style = getComputedStyle(document.documentElement);
  const read = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: read("ink"),
    soft: read("soft"),
    line: read("panel-line"),
    ground: read("panel-solid"),
    accent: read("accent"),
    gold: read("gold"),
    green: read("green"),
    blue: read("blue"),
    font: read("font"),
  };
}

/**
 * Draw a chart in an element; `option` gives ECharts its option of the data.
 * @param {import("../main.js").Page} page @param {HTMLElement} place
 * @param {(data: any, colours: Colours) => any} option @param {(data: any) => string} label
 * @returns {Chart}
 */
export function startChart({ store, bus, drawn: mapDrawn }, place, option, label) {
  const box = el("div", { class: "chart" });
  place.append(box);
  /** @type {any} */ let chart = null;
  /** @type {any} */ let data = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let timer;
  let drawn = "";
  let drawnAt = 0;
  let isEnded = false;

  const draw = () => {
    timer = undefined;
    if (!chart || data === null || !box.clientWidth) return;
    const wanted = { animation: false, ...option(data, coloursOf()) };
    const text = JSON.stringify(wanted);
    if (text === drawn) return;
    drawn = text;
    drawnAt = Date.now();
    chart.setOption(wanted, { lazyUpdate: true });
    tell();
  };
  const tell = () => {
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", label(data));
  };
  const soon = () => void (timer ??= setTimeout(draw, Math.max(0, drawnAt + REST_MS - Date.now())));
  const resized = new ResizeObserver(() => {
    if (!chart || !box.clientWidth) return;
    chart.resize();
    soon();
  });
  const begin = async () => {
    const echarts = await load().catch(() => null); // its numbers are in words beside it; `healed` tries again
    if (isEnded || chart || !echarts) return;
    chart = echarts.init(box, null, { renderer: "canvas" });
    resized.observe(box);
    draw();
  };
  mapDrawn.then(idle).then(begin);
  const healed = bus.on("healed", () => chart || begin());
  const stop = store.watch(["theme", "language"], () => {
    requestAnimationFrame(draw); // when the style sheet has followed
  });
  return {
    set(given) {
      data = given;
      if (chart) soon();
      else tell();
    },
    chart: () => chart,
    end() {
      isEnded = true;
      stop();
      healed();
      clearTimeout(timer);
      resized.disconnect();
      chart?.dispose();
      box.remove();
    },
  };
}
