// My orders: those of my grid that are not over, mine first, by urgency and clock, each with one large button.

import { el } from "../core/dom.js";
import { learn, reword, say } from "../core/words.js";
import { makeActions } from "../cards/actions.js";
import { clockWords, isDone, lampOfOrder, nearest } from "../cards/clocks.js";
import { goTo, isIn } from "../cards/going.js";
import { isEnded, wordsOf } from "../core/problems.js";
import { keepRows, put } from "../cards/rows.js";
import { drillPlate, lampSign, statePlate, urgencySign } from "../cards/signs.js";
import { nextOf } from "../cards/table.js";
import { URGENCIES, term } from "../cards/terms.js";
import { asker, onWho, who } from "../cards/who.js";

learn({
  orders_none: ["没有在办工单", "No open orders"],
  orders_who: ["请先在“我的网格”选择我是谁", "Say first who you are, under “My grid”"],
  orders_grid: ["请先选择我的网格", "Choose your grid first"],
  orders_mine: ["我承办", "mine"],
  orders_open: ["详情", "Details"],
});

const GATHER_MS = 500;
const TICK_MS = 15_000;
const MOST = 40;

/** @param {import("./phone.js").Phone} phone @param {HTMLElement} place */
export function startOrders(phone, place) {
  const { page, mine } = phone;
  const { store, net, bus } = page;
  const list = el("ul", { class: "jobs" });
  const said = el("p", { class: "quiet", role: "status" });
  place.append(said, list);
  /** @type {any[]} */ let orders = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let timer;

  const draw = () => {
    const isKnown = Boolean(who().actor);
    put(said, !mine.grid ? say("orders_grid") : !orders.length ? say("orders_none") : isKnown ? "" : say("orders_who"));
    said.hidden = !said.textContent;
    phone.badge("orders", orders.filter(isMine).length || orders.length);
    keepRows(
      list,
      orders.slice(0, MOST),
      (order) => order.id,
      () => makeJob(page, read),
      (row, order) => fillJob(row, order),
    );
  };
  const read = async () => {
    clearTimeout(timer);
    timer = undefined;
    const grid = mine.grid;
    if (!grid) {
      orders = [];
      return draw();
    }
    try {
      const found = await net.get("/orders", { area: grid.code, live: 1, limit: 200, ...asker() });
      if (grid.code !== mine.grid?.code) return;
      orders = found.orders.sort(byNeed);
    } catch (error) {
      if (!isEnded(error)) bus.tell("toast", { text: wordsOf(error) });
    }
    draw();
  };
  const soon = () => store.state.phone && void (timer ??= setTimeout(read, GATHER_MS));
  const ticking = setInterval(() => document.hidden || !store.state.phone || draw(), TICK_MS);
  const ends = [
    mine.follow(() => void read()),
    onWho(read),
    store.watch(["language"], draw),
    store.watch(["phone"], soon),
    store.watch(["link"], ({ link }) => link === "open" && soon()),
    bus.on("order", (data) => mine.grid && isIn(mine.grid.code, data) && soon()),
    bus.on("reset", soon),
    bus.on("lagging", soon),
    () => clearInterval(ticking),
    () => clearTimeout(timer),
  ];
  return () => ends.forEach((end) => end());
}

/** @param {any} order */
const isMine = (order) =>
  order.assignees.some((/** @type {any} */ each) => each.person !== null && each.person === who().actor);

/** When the next clock of an order is due. @param {any} order */
const dueOf = (order) => {
  const clock = nearest(order.clocks);
  return clock && !isDone(clock) && clock.due_at ? Date.parse(clock.due_at) : Infinity;
};

/** Whether there is something that I can do. @param {any} order */
const isDoable = (order) => nextOf(order.allowed_actions ?? []) !== null;

/**
 * Mine first, then what I can do something about, by urgency, then by what is due first.
 * @param {any} a
 * @param {any} b
 */
const byNeed = (a, b) =>
  Number(isMine(b)) - Number(isMine(a)) ||
  Number(isDoable(b)) - Number(isDoable(a)) ||
  URGENCIES.indexOf(a.urgency) - URGENCIES.indexOf(b.urgency) ||
  Math.sign(dueOf(a) - dueOf(b)) ||
  0;

/** @type {WeakMap<HTMLElement, {order: any, actions: import("../cards/actions.js").Actions}>} */
const held = new WeakMap();

/** @param {import("../main.js").Page} page @param {() => void} read */
function makeJob(page, read) {
  const actions = makeActions(page, { onacted: read, hasWho: false });
  actions.element.classList.add("inline");
  const row = el("li", { class: "job" });
  const open = () => {
    const order = held.get(row)?.order;
    if (order) goTo(page, { kind: "order", id: order.id }, order.at);
  };
  const next = () => {
    const action = nextOf(held.get(row)?.order.allowed_actions ?? []);
    if (action) actions.choose(action);
  };
  row.append(
    el("p", { class: "head" }),
    el("strong"),
    el("small"),
    el(
      "div",
      { class: "thumbs" },
      el("button", { type: "button", class: "big primary next", onclick: next }),
      el("button", { type: "button", class: "big quietly", "data-word": "orders_open", onclick: open }),
    ),
    actions.element,
  );
  reword(row);
  held.set(row, { order: null, actions });
  return row;
}

/** @param {HTMLElement} row @param {any} order */
function fillJob(row, order) {
  const known = /** @type {NonNullable<ReturnType<typeof held.get>>} */ (held.get(row));
  known.order = order;
  known.actions.update(order);
  const [head, title, meta, thumbs] = row.children;
  row.dataset.urgency = order.urgency;
  const lamp = lampOfOrder(order);
  const looks = [order.urgency, order.state, lamp, isMine(order), document.documentElement.lang].join();
  if (row.dataset.looks !== looks) {
    row.dataset.looks = looks;
    const own = isMine(order) ? el("span", { class: "plate mine" }, say("orders_mine")) : "";
    head.replaceChildren(
      urgencySign(order.urgency),
      statePlate(order.state) ?? "",
      lampSign(lamp),
      own,
      order.drill ? drillPlate(say("drill")) : "",
    );
  }
  put(title, order.title || order.id);
  put(meta, `${term("class", order.class)} · ${clockWords(order)}`);
  const action = nextOf(order.allowed_actions ?? []);
  const next = /** @type {HTMLElement} */ (thumbs.firstElementChild);
  next.hidden = !action;
  put(next, action ? term("action", action) : "");
}
