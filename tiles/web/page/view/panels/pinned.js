// Pinned orders, newest first, each with its state and its clock. A red one, which the page itself has pinned,
// goes when it is over.

import { el } from "../core/dom.js";
import { learn, reword } from "../core/words.js";
import { clockWords } from "../cards/clocks.js";
import { unpin } from "../cards/pins.js";
import { keepRows, put } from "../cards/rows.js";
import { OVER } from "../cards/terms.js";
import { fillThing, makeThing } from "./things.js";

learn({
  pinned_none: ["点 ☆ 置顶工单；红色工单自动置顶", "☆ pins an order; red ones are pinned by themselves"],
});

const TICK_MS = 15_000;

/** @type {import("./panels.js").Start} */
export function startPinned(page, frame) {
  const { store, bus, net } = page;
  const list = el("ul", { class: "things" });
  const none = el("p", { class: "quiet", "data-word": "pinned_none" });
  frame.body.append(list, none);
  reword(frame.body);
  /** @type {Map<string, any>} */ const orders = new Map();
  /** @type {Set<string>} */ const asked = new Set();

  const show = () => {
    const { pinned } = store.state;
    const rows = pinned.map((id) => orders.get(id)).filter(Boolean);
    none.hidden = rows.length > 0;
    put(frame.aside, rows.length ? String(rows.length) : "");
    keepRows(
      list,
      rows,
      (order) => order.id,
      () => makeThing(page),
      (row, order) =>
        fillThing(row, { ...order, order: order.id, seq: order.event.seq, meta: clockWords(order) }, pinned),
    );
  };
  /** @type {Set<string>} */ const again = new Set();
  const take = (/** @type {any} */ order) => {
    if (order.urgency === "red" && OVER.has(order.state)) unpin(store, order.id);
    else orders.set(order.id, order);
  };
  const ask = async (/** @type {string} */ id) => {
    if (asked.has(id)) return void again.add(id);
    asked.add(id);
    try {
      take(await net.get(`/orders/${encodeURIComponent(id)}`));
    } catch (error) {
      if (/** @type {any} */ (error).status === 404) unpin(store, id);
    }
    asked.delete(id);
    show();
    if (again.delete(id)) ask(id);
  };
  const follow = () => {
    for (const id of [...orders.keys()]) if (!store.state.pinned.includes(id)) orders.delete(id);
    for (const id of store.state.pinned) if (!orders.has(id)) ask(id);
    show();
  };
  const timer = setInterval(() => document.hidden || show(), TICK_MS);
  const ends = [
    store.watch(["pinned"], follow),
    store.watch(["language"], show),
    bus.on("order", ({ order }) => {
      if (store.state.pinned.includes(order.id)) ask(order.id);
    }),
    ...["reset", "lagging", "healed"].map((kind) => bus.on(kind, () => store.state.pinned.forEach(ask))),
    () => clearInterval(timer),
  ];
  follow();
  return () => ends.forEach((end) => end());
}
