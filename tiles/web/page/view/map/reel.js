// What was open in a period, read once, and which of it at a moment.

import { now } from "../core/now.js";

/**
 * @typedef {{lon: number | null, lat: number | null, urgency: string, title: string, class: string}} Said
 * @typedef {Said & {opened: number, closed: number}} Thing
 */

const MINUTE_MS = 60_000;

/** Now, to the minute. */
export const nearNow = () => Math.floor(now() / MINUTE_MS) * MINUTE_MS;

export class Reel {
  /** @param {import("../main.js").Page} page */
  constructor({ net }) {
    this.net = net;
    this.asked = 0;
    this.forget();
  }

  forget() {
    this.asked += 1;
    /** @type {Thing[]} */ this.things = [];
    /** @type {{number: number, from: number}[]} */ this.editions = [];
    this.truncated = false;
  }

  /** Read a period; false where another one was wanted meanwhile. @param {number} from @param {number} to */
  async read(from, to) {
    const moment = (/** @type {number} */ ms) => new Date(ms).toISOString().replace(".000", "");
    const mine = (this.asked += 1);
    const found = await this.net.get("/replay", { from: moment(from), to: moment(to) });
    if (mine !== this.asked) return false;
    this.editions = found.editions.map((/** @type {any} */ each) => {
      return { number: each.number, from: Date.parse(each.effective_at) };
    });
    this.truncated = found.truncated;
    this.things = found.things.map((/** @type {any} */ each) => ({
      ...each,
      opened: Date.parse(each.opened_at),
      closed: each.closed_at ? Date.parse(each.closed_at) : Infinity,
    }));
    return true;
  }

  /** The edition whose boundaries were in force at a moment. @param {number} moment */
  editionAt(moment) {
    return (this.editions.findLast(({ from }) => from <= moment) ?? this.editions[0])?.number ?? 0;
  }

  /** The things that were open at a moment, as GeoJSON. @param {number} moment */
  at(moment) {
    return this.things
      .filter((thing) => thing.opened <= moment && moment < thing.closed && thing.lon !== null)
      .map(({ lon, lat, urgency, title, class: class_ }) => ({
        type: "Feature",
        properties: { urgency, title, class: class_, count: 1 },
        geometry: { type: "Point", coordinates: [lon, lat] },
      }));
  }
}
