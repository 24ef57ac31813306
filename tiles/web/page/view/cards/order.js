// The card of an order: what it is about, its clocks, what may be done next, who has it and why, its history.
//
// It follows the order on the stream: facts are drawn anew, what is being typed stays (cards/actions.js).

import { el } from "../core/dom.js";
import { dayAndClock } from "../core/format.js";
import { learn, say, spoken } from "../core/words.js";
import { makeActions } from "./actions.js";
import { lampOfOrder, makeClocks } from "./clocks.js";
import { goTo } from "./going.js";
import { photoStrip } from "./photos.js";
import { facts, section, way } from "./pieces.js";
import { isEnded, wordsOf } from "../core/problems.js";
import { togglePin } from "./pins.js";
import { refill } from "./refill.js";
import { drillPlate, lampSign, statePlate, urgencySign } from "./signs.js";
import { holderWord, OVER, term } from "./terms.js";
import { makeTimeline } from "./timeline.js";
import { asker, onWho } from "./who.js";

learn({
  order: ["工单", "order"],
  order_clocks: ["时限", "Clocks"],
  order_assignee: ["承办", "Has it"],
  order_level: ["层级", "Level"],
  order_reasons: ["派单理由", "Why"],
  order_called: ["吹哨部门", "Departments called"],
  order_opened: ["建单时间", "Opened"],
  order_closed: ["结案时间", "Closed"],
  order_rule: ["时限规则", "Rule"],
  order_matter: ["事项", "Matter"],
  order_history: ["办理过程", "History"],
  order_photos: ["照片", "Photos"],
  order_event: ["查看原始事件", "The event itself"],
  order_grid: ["网格", "Grid"],
  order_queue: ["待分配，无人承办", "Waiting: nobody has it yet"],
  order_supervised: ["督办次数", "Supervised, times"],
  order_merged: ["并入", "Merged into"],
  order_satisfaction: ["满意度", "Satisfaction"],
  order_replied: ["已回复：{0}", "replied: {0}"],
  order_owing: ["待回复", "owes a reply"],
});

/** Rows of the stream that come within this time are one reading. */
const GATHER_MS = 250;
const TICK_MS = 10_000;

/** @param {import("./cards.js").Opening} opening @returns {Promise<import("./cards.js").Shown>} */
export async function openOrder({ page, id, body, signal, retitle }) {
  const { net, bus, store } = page;
  const read = () => net.get(`/orders/${encodeURIComponent(id)}`, asker(), signal);
  let order = await read();
  /** @type {any[]} */ let path = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let timer;
  /** @type {() => void} */ let tick = () => {};
  const top = el("div");
  const rest = el("div");
  const actions = makeActions(page, { onacted: () => void again() });
  body.append(top, actions.element, rest);

  const draw = () => {
    const clocks = makeClocks(order.clocks);
    tick = clocks.tick;
    refill(top, [way(page, path), head(page, order), section("order_clocks", [clocks.list])]);
    actions.update(order);
    refill(rest, remainder(page, order));
  };
  const again = async () => {
    clearTimeout(timer);
    timer = undefined;
    try {
      order = { ...order, ...(await read()) };
      draw();
      retitle();
    } catch (error) {
      if (!isEnded(error)) bus.tell("toast", { text: wordsOf(error) });
    }
  };
  const soon = () => void (timer ??= setTimeout(again, GATHER_MS));
  const following = setInterval(() => document.hidden || tick(), TICK_MS);
  const stops = [
    bus.on("order", (data) => data.order.id === id && data.version !== order.version && soon()),
    bus.on("notice", (data) => data.order?.id === id && soon()),
    bus.on("reset", soon),
    bus.on("lagging", soon),
    store.watch(["pinned"], () => draw()),
    onWho(again),
    () => clearInterval(following),
    () => clearTimeout(timer),
  ];
  draw();
  if (order.code) {
    net
      .get(`/areas/${encodeURIComponent(order.code)}`, {}, signal)
      .then((area) => {
        path = area.path;
        draw();
      })
      .catch(() => {});
  }
  return {
    title: () => order.title || order.id,
    kind: () => `${say("order")} ${order.id} · ${term("class", order.class)}`,
    at: () => order.at,
    draw,
    end: () => stops.forEach((stop) => stop()),
    escape: actions.escape,
  };
}

/** @param {import("../main.js").Page} page @param {any} order */
function head({ store }, order) {
  const isPinned = store.state.pinned.includes(order.id);
  const star = el(
    "button",
    {
      type: "button",
      class: "star",
      "aria-pressed": String(isPinned),
      "aria-label": say(isPinned ? "unpin" : "pin"),
      title: say(isPinned ? "unpin" : "pin"),
      onclick: () => togglePin(store, order.id),
    },
    isPinned ? "★" : "☆",
  );
  return el(
    "p",
    { class: "head" },
    urgencySign(order.urgency),
    statePlate(order.state),
    !OVER.has(order.state) && lampSign(lampOfOrder(order)),
    order.drill && drillPlate(say("drill")),
    star,
  );
}

/** @param {import("../main.js").Page} page @param {any} order */
function remainder(page, order) {
  const handlers = order.assignees.map(
    (/** @type {any} */ each) => `${term("role", each.role)} ${holderWord(each)}`,
  );
  const event = el(
    "button",
    { type: "button", class: "link", onclick: () => goTo(page, { kind: "event", id: String(order.event.seq) }) },
    say("order_event"),
  );
  return [
    facts([
      ["order_assignee", order.queue ? say("order_queue") : handlers.join("、")],
      ["order_level", term("level", order.level)],
      ["order_grid", order.code],
      [
        "order_reasons",
        order.reasons.length
          ? el(
              "ul",
              { class: "reasons" },
              ...order.reasons.map((/** @type {any} */ each) => el("li", {}, each[spoken()])),
            )
          : null,
      ],
      ["order_called", order.called.length ? el("ul", { class: "reasons" }, ...order.called.map(calledLine)) : null],
      ["order_supervised", order.supervised ? String(order.supervised) : null],
      ["order_opened", dayAndClock(order.opened_at)],
      ["order_closed", order.closed_at && dayAndClock(order.closed_at)],
      ["order_matter", order.matter && term("matter", order.matter)],
      ["order_satisfaction", order.satisfaction && say("stars", order.satisfaction)],
      ["order_merged", order.merged_into],
      ["order_rule", order.rule],
    ]),
    order.photos.length ? section("order_photos", [photoStrip(page, order.photos)]) : null,
    section("order_history", [makeTimeline(page, order.history ?? [])]),
    event,
  ];
}

/** @param {any} call */
const calledLine = (call) =>
  el("li", {}, `${call.department}：${call.ended_at ? say("order_replied", call.reply ?? "") : say("order_owing")}`);
