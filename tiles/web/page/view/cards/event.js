// The card of an event: what was reported, where and when, its photos, and the order that it opened.

import { el } from "../core/dom.js";
import { dayAndClock } from "../core/format.js";
import { learn, say } from "../core/words.js";
import { choose, goTo } from "./going.js";
import { photoStrip } from "./photos.js";
import { facts, orderLine, section } from "./pieces.js";
import { refill } from "./refill.js";
import { drillPlate, urgencySign } from "./signs.js";
import { term } from "./terms.js";

learn({
  event: ["事件", "event"],
  event_text: ["描述", "What was said"],
  event_source: ["来源", "Source"],
  event_id: ["来源编号", "Its id there"],
  event_occurred: ["发生时间", "Happened"],
  event_received: ["收到时间", "Received"],
  event_grid: ["网格", "Grid"],
  event_at: ["坐标", "Place"],
  event_place: ["位置编码", "Place code"],
  event_unplaced: ["未落格", "In no grid"],
  event_corrects: ["更正", "Corrects"],
  event_matter: ["事项", "Matter"],
  event_order: ["对应工单", "Its order"],
  event_photos: ["照片", "Photos"],
  event_fields: ["来源字段", "Fields of the source"],
});

/** @param {import("./cards.js").Opening} opening @returns {Promise<import("./cards.js").Shown>} */
export async function openEvent({ page, id, body, signal }) {
  const { net, bus } = page;
  const event = await net.get(`/events/${encodeURIComponent(id)}`, {}, signal);
  const name = `o-${event.seq}`;
  /** @type {any} */
  let order = await net.get(`/orders/${name}`, {}, signal).catch(() => null);
  const draw = () => refill(body, drawn(page, event, order));
  const stop = bus.on("order", async (data) => {
    if (data.order.id !== name) return;
    order = await net.get(`/orders/${name}`, {}, signal).catch(() => order);
    draw();
  });
  draw();
  return {
    title: () => event.title || term("class", event.class),
    kind: () => `${say("event")} ${event.seq} · ${term("op", event.op ?? "open")}`,
    at: () => event.at ?? null,
    draw,
    end: stop,
  };
}

/** @param {import("../main.js").Page} page @param {any} event @param {any} order */
function drawn(page, event, order) {
  const { code } = event;
  return [
    el(
      "p",
      { class: "head" },
      urgencySign(event.urgency),
      el("span", { class: "plate" }, term("class", event.class)),
      event.drill && drillPlate(say("drill")),
    ),
    event.text && section("event_text", [el("p", { class: "said" }, event.text)]),
    order && section("event_order", [orderLine(page, order)]),
    event.photos?.length ? section("event_photos", [photoStrip(page, event.photos)]) : null,
    facts([
      ["event_occurred", event.occurred_at && dayAndClock(event.occurred_at)],
      ["event_received", event.received_at && dayAndClock(event.received_at)],
      ["event_grid", code && el("button", { type: "button", class: "link", onclick: () => choose(page, code) }, code)],
      ["event_unplaced", !code && event.unplaced],
      ["event_place", event.place],
      ["event_at", event.at && `${event.at[0].toFixed(6)}°E ${event.at[1].toFixed(6)}°N`],
      ["event_matter", event.matter && term("matter", event.matter)],
      ["event_source", event.source],
      ["event_id", event.id],
      ["event_corrects", event.corrects && correctedLink(page, event)],
    ]),
    event.fields &&
      section("event_fields", [
        facts(
          Object.entries(event.fields)
            .slice(0, 40)
            .map(([key, value]) => [key, plain(value)]),
        ),
      ]),
  ];
}

/** @param {unknown} value */
const plain = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));

/**
 * The event that this one corrects, as a link to its card.
 * @param {import("../main.js").Page} page
 * @param {any} event
 */
function correctedLink(page, event) {
  const open = async () => {
    const found = await page.net.get("/events", { source: event.source, id: event.corrects });
    if (found.events.length) goTo(page, { kind: "event", id: String(found.events[0].seq) });
  };
  return el("button", { type: "button", class: "link", onclick: () => open().catch(() => {}) }, event.corrects);
}
