// The areas coloured by a number: GET /values/{layer}/{metric} for the numbers, GET /classes/... for the colours.
//
// Coloured is the level below the chosen area, or a finer one from near. The number of an area goes to the map
// as feature-state, `value` from 0 to 1, for the areas of the tiles that are loaded, and is taken back when
// they leave: so the map never holds the state of 65,000 grids, and a number that changes costs one area.
// Open orders change by the live stream; what it does not tell is asked for again some seconds after something
// happened. What is shown is told to the legend as `coloured`.

import { Problem } from "../core/net.js";
import { classOf, counted, placeOf, quantiles, withoutZero } from "./classes.js";
import { below, chosenLevel, LEVELS, seldom } from "./scene.js";

const MOST = 6;
/** The zooms from which on towns, communities, grids are coloured although a wider area is chosen. */
const FINER = [8.6, 10.8, 12.4];
const CLASSES_MS = 500;
const AGAIN_MS = 8_000;
/** So long classes stay as they are while numbers change. */
const STAY_MS = 60_000;
const LIVE = ["open_orders", "open_events"];

/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {{layer: string, metric: string, area: string | null}} Wanted */

/**
 * What is to be coloured.
 * @param {import("../core/store.js").State} state @param {number} zoom @returns {Wanted | null}
 */
export function wantedOf(state, zoom) {
  const level = chosenLevel(state);
  if (!state.metric || level === null) return null;
  const inside = LEVELS.indexOf(level === "city" ? LEVELS[0] : below(level));
  const seen = FINER.filter((each) => zoom >= each).length;
  const scope = level === "grid" ? (state.chain.at(-2)?.code ?? null) : state.area;
  return { layer: LEVELS[Math.max(inside, seen)], metric: state.metric, area: scope };
}

class Colouring {
  /** @param {Scene} scene @param {() => string[]} ramp */
  constructor(scene, ramp) {
    this.scene = scene;
    this.ramp = ramp;
    /** @type {Wanted | null} */ this.wanted = null;
    /** @type {Map<number, number>} */ this.values = new Map();
    /** @type {import("./classes.js").Class[]} */ this.classes = [];
    /** @type {Map<number, number>} */ this.shown = new Map();
    /** @type {Map<string, number>} */ this.ids = new Map();
    /** @type {Set<number>} */ this.changed = new Set();
    /** @type {AbortController | null} */ this.asked = null;
    this.cutAt = -STAY_MS;
    this.drawSoon = seldom(150, () => this.draw());
    this.paintSoon = seldom(1_000, () => this.paintChanged());
    this.againSoon = seldom(AGAIN_MS, () => this.load(true));
  }

  /** Look whether something else is to be coloured. */
  look() {
    const { store, map } = this.scene;
    const wanted = wantedOf(store.state, map.getZoom());
    if (wanted === null && chosenLevel(store.state) === null) return; // until the chain is known
    const same = JSON.stringify(wanted) === JSON.stringify(this.wanted);
    if (same) return this.drawSoon();
    if (wanted?.layer !== this.wanted?.layer) this.clear();
    this.wanted = wanted;
    this.load(false);
  }

  /** Ask for the numbers, and for new classes unless they are only refreshed. @param {boolean} refreshed */
  async load(refreshed) {
    this.asked?.abort();
    const { wanted } = this;
    if (!wanted || this.scene.store.state.replay) return this.nothing();
    if (document.hidden && refreshed) return this.againSoon();
    const asked = new AbortController();
    this.asked = asked;
    const { net } = this.scene;
    const query = { area: wanted.area };
    const path = `${wanted.layer}/${wanted.metric}`;
    try {
      const stay = refreshed && performance.now() - this.cutAt < STAY_MS;
      const cutting = () => net.get(`/classes/${path}`, query, asked.signal);
      const found = stay ? Promise.resolve(null) : this.scene.drawn.then(cutting);
      const cut = found.then((given) => given?.classes ?? null, () => null);
      const { ids, values } = await net.get(`/values/${path}`, query, asked.signal);
      this.values = new Map(ids.map((/** @type {number} */ id, /** @type {number} */ at) => [id, values[at]]));
      const soon = await Promise.race([cut, new Promise((done) => setTimeout(() => done(undefined), CLASSES_MS))]);
      if (asked.signal.aborted) return;
      if (stay) return this.redraw();
      this.cutBy(soon ?? null);
      if (soon === undefined) cut.then((late) => late && !asked.signal.aborted && this.cutBy(late));
    } catch (error) {
      if (asked.signal.aborted) return;
      // What is known of these areas stays while the service is away.
      const refused = error instanceof Problem && error.status < 500;
      if (refused || !refreshed) this.nothing();
      if (!refused) this.againSoon();
    }
  }

  /** @param {any[] | null} classes */
  cutBy(classes) {
    this.classes = classes ? withoutZero(classes) : quantiles(this.values.values(), MOST);
    this.cutAt = classes ? performance.now() : -STAY_MS;
    this.redraw();
  }

  redraw() {
    this.draw();
    this.tell();
  }

  nothing() {
    this.values = new Map();
    this.classes = [];
    this.redraw();
  }

  /** Give the areas that are on the map their colours, and take them from those that have left. */
  draw() {
    const { map } = this.scene;
    const { wanted } = this;
    if (!map.getSource("areas")) return;
    const left = new Set(this.shown.keys());
    if (wanted && this.values.size) {
      this.ids.clear();
      for (const found of map.querySourceFeatures("areas", { sourceLayer: wanted.layer })) {
        const id = Number(found.id);
        this.ids.set(String(found.properties.code), id);
        if (left.delete(id) || !this.shown.has(id)) this.paint(id);
      }
    }
    for (const id of left) this.unpaint(id);
  }

  /** @param {number} id */
  paint(id) {
    const value = this.values.get(id);
    const at = value === undefined ? -1 : classOf(this.classes, value);
    if (at < 0) return this.unpaint(id);
    const place = placeOf(at, this.classes.length);
    if (this.shown.get(id) === place) return;
    this.shown.set(id, place);
    this.scene.map.setFeatureState(this.target(id), { value: place });
  }

  /** @param {number} id */
  unpaint(id) {
    if (this.shown.delete(id)) this.scene.map.removeFeatureState(this.target(id), "value");
  }

  /** @param {number} id */
  target(id) {
    return { source: "areas", sourceLayer: this.wanted?.layer ?? LEVELS[0], id };
  }

  /** Take all colours back, before another level is coloured. */
  clear() {
    for (const id of [...this.shown.keys()]) this.unpaint(id);
    this.ids.clear();
  }

  /** A number has changed. @param {{metric?: string, code?: string, value?: number}} said */
  change({ metric, code, value }) {
    if (!this.wanted || metric !== this.wanted.metric || value === undefined) return;
    const id = this.ids.get(String(code));
    if (id === undefined || !this.values.has(id)) return;
    this.values.set(id, value);
    this.changed.add(id);
    this.paintSoon();
  }

  /** What has changed meanwhile, in one picture. */
  paintChanged() {
    for (const id of this.changed) if (this.values.has(id)) this.paint(id);
    this.changed.clear();
    this.tell();
  }

  tell() {
    const { rows, zeros, total, sum } = counted(this.classes, this.values.values(), this.ramp());
    this.scene.bus.tell("coloured", { ...this.wanted, rows, zeros, total, sum });
  }
}

/** @param {Scene} scene @param {() => string[]} ramp */
export function startValues(scene, ramp) {
  const { map, store, bus } = scene;
  const colouring = new Colouring(scene, ramp);
  const look = () => colouring.look();
  const tiles = (/** @type {any} */ event) => {
    if (event.sourceId === "areas" && event.tile) colouring.drawSoon();
  };
  const happened = () => {
    if (LIVE.includes(colouring.wanted?.metric ?? "")) colouring.againSoon();
  };
  const anew = () => void (colouring.wanted && colouring.load(false));
  map.on("moveend", look);
  map.on("sourcedata", tiles);
  look();
  const ends = [
    store.watch(["metric", "area", "chain"], look),
    store.watch(["edition", "replay"], (state, before) => {
      if (state.edition !== before.edition || !state.replay !== !before.replay) anew();
    }),
    bus.on("value", (said) => colouring.change(said)),
    bus.on("event", happened),
    bus.on("order", happened),
    bus.on("reset", anew),
    bus.on("lagging", anew),
    bus.on("healed", () => void (colouring.wanted && colouring.load(true))),
    bus.on("restyled", () => colouring.tell()),
    bus.on("legend", () => colouring.tell()),
  ];
  return () => {
    for (const end of ends) end();
    for (const each of [colouring.drawSoon, colouring.paintSoon, colouring.againSoon]) each.end();
    map.off("moveend", look);
    map.off("sourcedata", tiles);
  };
}
