// A row for an event or an order: its sign and title as a button to its card and place, a star that pins it.

import { el } from "../core/dom.js";
import { learn, say } from "../core/words.js";
import { goTo } from "../cards/going.js";
import { togglePin } from "../cards/pins.js";
import { put } from "../cards/rows.js";
import { statePlate, urgencySign } from "../cards/signs.js";
import { OVER } from "../cards/terms.js";

learn({
  untitled: ["（无标题）", "(no title)"],
});

/**
 * @typedef {object} Thing
 * @property {string | null} order @property {number} seq @property {string} title @property {string} urgency
 * @property {string | null} state
 * @property {readonly [number, number] | null} at
 * @property {string} meta  a line in small
 */

/** @type {WeakMap<HTMLElement, Thing>} */
const held = new WeakMap();

/** A row; `fillThing` fills it. @param {import("../main.js").Page} page */
export function makeThing(page) {
  const row = el("li", { class: "thing" });
  const open = () => {
    const thing = held.get(row);
    if (!thing) return;
    goTo(page, thing.order ? { kind: "order", id: thing.order } : { kind: "event", id: String(thing.seq) }, thing.at);
  };
  const star = () => {
    const id = held.get(row)?.order;
    if (id) togglePin(page.store, id);
  };
  row.append(
    el(
      "button",
      { type: "button", class: "open", onclick: open },
      el("span", { class: "head" }, el("span"), el("strong")),
      el("small"),
    ),
    el("button", { type: "button", class: "star", onclick: star }),
  );
  return row;
}

/** @param {HTMLElement} row @param {Thing} thing @param {readonly string[]} pinned */
export function fillThing(row, thing, pinned) {
  held.set(row, thing);
  const [open, star] = /** @type {[HTMLElement, HTMLElement]} */ (/** @type {unknown} */ (row.children));
  const [head, meta] = open.children;
  const looks = `${thing.urgency} ${thing.state} ${document.documentElement.lang}`;
  if (row.dataset.looks !== looks) {
    row.dataset.looks = looks;
    row.dataset.urgency = thing.urgency;
    row.classList.toggle("over", OVER.has(thing.state ?? ""));
    head.firstElementChild?.replaceChildren(urgencySign(thing.urgency), statePlate(thing.state) ?? "");
  }
  put(head.lastElementChild, thing.title || say("untitled"));
  put(meta, thing.meta);
  const isPinned = thing.order !== null && pinned.includes(thing.order);
  star.hidden = thing.order === null;
  put(star, isPinned ? "★" : "☆");
  star.setAttribute("aria-pressed", String(isPinned));
  star.setAttribute("aria-label", `${say(isPinned ? "unpin" : "pin")} ${thing.title}`);
  star.title = say(isPinned ? "unpin" : "pin");
}
