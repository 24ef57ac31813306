// The state of the page: one frozen object, changed by `set`, told to whoever asked for one of its members.
//
// Everything that can be seen follows from it, and what is worth a bookmark stands in the address
// (core/address.js). Parts of the page know each other only through it, and through the bus (core/bus.js).

/**
 * @typedef {{code: string, name: string, level: string}} Step  an area on the way from the city down
 * @typedef {{kind: "area" | "building" | "order" | "event", id: string}} Card  what is looked at closely
 * @typedef {{from: number, to: number, at: number, playing: boolean}} Replay  moments in ms since 1970
 * @typedef {"connecting" | "open" | "waiting" | "closed"} Link
 *
 * @typedef {object} State
 * @property {string | null} area  code of the area that is looked at; null is the whole city
 * @property {readonly Step[]} chain  the areas above it and it itself, widest first
 * @property {Card | null} card
 * @property {"dark" | "light"} theme
 * @property {"zh" | "en"} language
 * @property {string | null} metric  what the areas are coloured by (GET /values/{layer}/{metric})
 * @property {boolean} heat  whether the heat map of open events is drawn
 * @property {readonly string[]} hidden  kinds of live things that are not drawn: event, order, device
 * @property {Replay | null} replay  null shows now
 * @property {number} edition  the edition that is drawn
 * @property {Link} link  the state of the live stream
 * @property {readonly string[]} pinned  orders that stay in sight, newest first
 * @property {boolean} still  the person wants less motion
 * @property {boolean} phone  a grid member's narrow screen
 */

/** @type {State} */
export const BEGIN = Object.freeze({
  area: null,
  chain: Object.freeze([]),
  card: null,
  theme: "dark",
  language: "zh",
  metric: "open_orders",
  heat: false,
  hidden: Object.freeze([]),
  replay: null,
  edition: 0,
  link: "connecting",
  pinned: Object.freeze([]),
  still: false,
  phone: false,
});

export class Store {
  /** @param {Partial<State>} [begin] */
  constructor(begin = {}) {
    /** @type {State} */ this.state = Object.freeze({ ...BEGIN, ...begin });
    /** @type {Set<{names: readonly (keyof State)[], call: (state: State, before: State) => void}>} */
    this.watchers = new Set();
  }

  /** Change some members; whoever watches one that is another one now is told. @param {Partial<State>} change */
  set(change) {
    const before = this.state;
    const names = /** @type {(keyof State)[]} */ (Object.keys(change));
    const changed = names.filter((name) => !Object.is(before[name], change[name]));
    if (!changed.length) return;
    this.state = Object.freeze({ ...before, ...change });
    for (const each of [...this.watchers]) {
      if (each.names.some((name) => changed.includes(name))) each.call(this.state, before);
    }
  }

  /**
   * Call whenever one of some members changes; gives a function that ends it.
   * @param {readonly (keyof State)[]} names @param {(state: State, before: State) => void} call
   * @returns {() => void}
   */
  watch(names, call) {
    const each = { names, call };
    this.watchers.add(each);
    return () => void this.watchers.delete(each);
  }

  /** As `watch`, and call at once. @param {readonly (keyof State)[]} names @param {(state: State, before: State) => void} call */
  follow(names, call) {
    call(this.state, this.state);
    return this.watch(names, call);
  }
}
