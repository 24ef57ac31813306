// What happens, line by line, newest first: reports and steps of orders in the chosen area.
//
// Lines are drawn some times a second at most, however fast they come, and stand still while somebody points at
// them or has the focus in them. Not a live region: nobody could listen to twenty lines a second.

import { el } from "../core/dom.js";
import { learn, say } from "../core/words.js";
import { goTo, isIn } from "../cards/going.js";
import { drillPlate, urgencySign } from "../cards/signs.js";
import { term } from "../cards/terms.js";
import { put } from "../cards/rows.js";

learn({
  ticker_none: ["等待新的动态…", "Waiting for something to happen…"],
  ticker_held: ["已暂停", "held"],
});

const MOST = 30;
const EVERY_MS = 500;
const TIME = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Shanghai", timeStyle: "medium" });

/** @type {import("./panels.js").Start} */
export function startTicker(page, frame) {
  const { store, bus } = page;
  const list = el("ul", { class: "ticker" });
  const none = el("p", { class: "quiet", "data-word": "ticker_none" });
  frame.body.append(list, none);
  /** @type {{kind: string, data: any}[]} */ let waiting = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let timer;

  const isHeld = () => list.matches(":hover, :focus-within");
  const draw = () => {
    timer = undefined;
    if (document.hidden || !frame.isOpen()) return;
    put(frame.aside, isHeld() ? say("ticker_held") : "");
    if (isHeld()) return later();
    const lines = waiting.map((each) => lineOf(page, each)).reverse();
    waiting = [];
    list.prepend(...lines);
    while (list.children.length > MOST) list.lastElementChild?.remove();
    none.hidden = list.children.length > 0;
  };
  const later = () => void (timer ??= setTimeout(draw, EVERY_MS));
  const take = (/** @type {string} */ kind) => (/** @type {any} */ data) => {
    if (!isIn(store.state.area, data) || data.role === "system") return;
    waiting.push({ kind, data });
    if (waiting.length > MOST) waiting.shift();
    later();
  };
  const clear = () => {
    list.replaceChildren();
    waiting = [];
    none.hidden = false;
    put(frame.aside, "");
  };
  frame.onopen(later);
  const ends = [
    bus.on("event", take("event")),
    bus.on("order", take("order")),
    bus.on("reset", clear),
    store.watch(["area", "language"], clear),
    () => clearTimeout(timer),
  ];
  return () => ends.forEach((end) => end());
}

/** @param {import("../main.js").Page} page @param {{kind: string, data: any}} item */
function lineOf(page, { kind, data }) {
  const isEvent = kind === "event";
  const thing = isEvent ? data : data.order;
  const what = isEvent ? term("op", data.op ?? "open") : term("action", data.action);
  const card = isEvent ? { kind: "event", id: String(data.seq) } : { kind: "order", id: thing.id };
  return el(
    "li",
    { "data-urgency": thing.urgency },
    el(
      "button",
      { type: "button", onclick: () => goTo(page, /** @type {any} */ (card), thing.at ?? null) },
      el("time", {}, TIME.format(new Date(isEvent ? (data.received_at ?? data.occurred_at) : data.at))),
      urgencySign(thing.urgency),
      el("span", { class: "what" }, what),
      el("span", { class: "title" }, thing.title ?? ""),
      thing.drill && drillPlate(say("drill")),
    ),
  );
}
