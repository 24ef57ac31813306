// What cards are put together from: sections with small headings, facts, lists, the way down to an area.

import { el } from "../core/dom.js";
import { say } from "../core/words.js";
import { choose, goTo } from "./going.js";
import { lampSign, statePlate, urgencySign } from "./signs.js";
import { term } from "./terms.js";

/** @typedef {import("../main.js").Page} Page */
/** @typedef {Node | string | null | undefined | false} Piece */

/**
 * A section with a heading; nothing where it has no content.
 * @param {string} word
 * @param {Piece[]} content
 * @param {string} [aside]
 */
export function section(word, content, aside = "") {
  const given = content.filter(Boolean);
  if (!given.length) return null;
  return el(
    "section",
    { class: "piece", "data-piece": word },
    el("h3", {}, say(word), aside && el("small", {}, ` ${aside}`)),
    ...given,
  );
}

/**
 * A section that is folded at first; it stays as it was when it is drawn anew.
 * @param {Set<string>} open
 * @param {string} word
 * @param {Piece[]} content
 * @param {string} [aside]
 */
export function folding(open, word, content, aside = "") {
  const given = content.filter(Boolean);
  if (!given.length) return null;
  const details = el(
    "details",
    { class: "piece", "data-piece": word, open: open.has(word) },
    el("summary", {}, el("h3", {}, say(word), aside && el("small", {}, ` ${aside}`))),
    ...given,
  );
  details.addEventListener("toggle", () => void (details.open ? open.add(word) : open.delete(word)));
  return details;
}

/** Facts by name; those without a value are left out. @param {[string, Piece][]} pairs */
export function facts(pairs) {
  const rows = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  if (!rows.length) return null;
  return el(
    "dl",
    { class: "facts" },
    ...rows.flatMap(([word, value]) => [el("dt", {}, say(word)), el("dd", {}, value)]),
  );
}

/** Large figures side by side. @param {[string, string][]} pairs */
export const figures = (pairs) =>
  el(
    "dl",
    { class: "figures" },
    ...pairs.map(([word, value]) => el("div", {}, el("dd", {}, value), el("dt", {}, say(word)))),
  );

/** A list, or nothing. @param {Piece[]} rows @param {string} [name] */
export const list = (rows, name = "plain") =>
  rows.length ? el("ul", { class: `rows ${name}` }, ...rows.map((row) => el("li", {}, row || ""))) : null;

/**
 * The way from the city down to an area; each step is chosen by a click.
 * @param {Page} page
 * @param {readonly {code: string, name: string, level: string}[]} path
 */
export function way(page, path) {
  if (!path?.length) return null;
  const steps = path.map(({ code, name }) =>
    el("li", {}, el("button", { type: "button", onclick: () => choose(page, code) }, name)),
  );
  return el("ol", { class: "way" }, ...steps);
}

/** A line of an order that opens its card. @param {Page} page @param {any} order */
export const orderLine = (page, order) =>
  el(
    "button",
    { type: "button", class: "line", onclick: () => goTo(page, { kind: "order", id: order.id }, order.at ?? null) },
    el(
      "span",
      { class: "head" },
      urgencySign(order.urgency),
      statePlate(order.state),
      order.lamp && lampSign(order.lamp),
    ),
    el("strong", {}, order.title || order.id),
    el("small", {}, term("class", order.class)),
  );
