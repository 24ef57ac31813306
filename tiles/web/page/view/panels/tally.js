// An overview with what came after it: pure, so that what ticks is the reply and the items behind it, no more.

import { OVER } from "../cards/terms.js";

const URGENT = new Set(["red", "orange"]);
const MOST_ALARMS = 20;
const HOUR = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Shanghai", hour: "2-digit", hourCycle: "h23" });

/**
 * @param {any} overview
 * @param {readonly {kind: string, data: any}[]} items those behind `overview.seq`
 * @returns {any}
 */
export function withLive(overview, items) {
  const next = {
    ...overview,
    today: { ...overview.today },
    by_hour: overview.by_hour.map((/** @type {any} */ each) => ({ ...each })),
    by_class: overview.by_class.map((/** @type {any} */ each) => ({ ...each })),
    alarms: overview.alarms.map((/** @type {any} */ each) => ({ ...each })),
  };
  for (const { kind, data } of items) {
    if (kind === "event") addEvent(next, data);
    else addOrder(next, data);
  }
  next.alarms = next.alarms.slice(0, MOST_ALARMS);
  return next;
}

/** @param {any} next @param {any} event */
function addEvent(next, event) {
  if (event.drill) return;
  const hour = next.by_hour[Number(HOUR.format(new Date(event.received_at ?? event.occurred_at)))];
  const op = event.op ?? "open";
  if (op === "close") {
    next.today.closed += 1;
    if (hour) hour.closed += 1;
  }
  if (op !== "open") return;
  next.today.new += 1;
  if (hour) hour.new += 1;
  classOf(next, event.class).new += 1;
  if (URGENT.has(event.urgency)) next.alarms.unshift(alarmOf(event));
}

/** @param {any} next @param {any} item */
function addOrder(next, item) {
  const { order } = item;
  const alarm = next.alarms.find((/** @type {any} */ each) => `o-${each.seq}` === order.id);
  if (alarm) Object.assign(alarm, { order: order.id, state: order.state, urgency: order.urgency });
  if (order.drill) return;
  const step = item.action === "open" ? 1 : OVER.has(item.to) && !OVER.has(item.from) ? -1 : 0;
  if (!step) return;
  next.today.open = Math.max(0, next.today.open + step);
  if (URGENT.has(order.urgency)) next.today.urgent = Math.max(0, next.today.urgent + step);
  const found = classOf(next, order.class);
  found.open = Math.max(0, found.open + step);
}

/** @param {any} next @param {string} name */
function classOf(next, name) {
  let found = next.by_class.find((/** @type {any} */ each) => each.class === name);
  if (!found) next.by_class.push((found = { class: name, new: 0, open: 0 }));
  return found;
}

/** @param {any} event */
const alarmOf = (event) => ({
  seq: event.seq,
  order: null,
  title: event.title,
  class: event.class,
  urgency: event.urgency,
  code: event.code,
  at: event.at ?? null,
  time: event.received_at ?? event.occurred_at,
  state: null,
});
