// The latest urgent things. A new one flashes; a red one is pinned as soon as it is an order, and told aloud.

import { el } from "../core/dom.js";
import { clock } from "../core/format.js";
import { learn, say } from "../core/words.js";
import { isIn } from "../cards/going.js";
import { pin } from "../cards/pins.js";
import { keepRows, put } from "../cards/rows.js";
import { now } from "../core/now.js";
import { term } from "../cards/terms.js";
import { makeNamer } from "./naming.js";
import { fillThing, makeThing } from "./things.js";

learn({
  alarms_none: ["今日暂无红色、橙色事件", "Nothing red or orange today"],
  alarm_said: ["紧急：{0}，{1}", "Urgent: {0}, {1}"],
  alarms_many: ["{0} 条", "{0}"],
});

/** So long something is new. */
const FRESH_MS = 30_000;

/** @type {import("./panels.js").Start} */
export function startAlarms(page, frame, feed) {
  const { store, bus } = page;
  const list = el("ul", { class: "things" });
  const none = el("p", { class: "quiet", "data-word": "alarms_none", hidden: true });
  const spoken = el("p", { class: "unseen", role: "alert" });
  frame.body.append(list, none);
  frame.element.append(spoken);
  /** @type {any[]} */ let alarms = [];
  const nameOf = makeNamer(feed);
  const show = () => {
    none.hidden = alarms.length > 0;
    put(frame.aside, alarms.length ? say("alarms_many", alarms.length) : "");
    const { pinned } = store.state;
    keepRows(
      list,
      alarms,
      (each) => String(each.seq),
      () => makeThing(page),
      (row, each) => {
        const meta = [clock(each.time), term("class", each.class), nameOf(each.code)].filter(Boolean).join(" · ");
        fillThing(row, { ...each, meta }, pinned);
        row.classList.toggle("fresh", now() - Date.parse(each.time) < FRESH_MS);
      },
    );
  };
  const ends = [
    feed.follow((overview) => {
      alarms = overview?.alarms ?? [];
      if (overview) show();
    }),
    store.watch(["pinned", "language"], show),
    bus.on("order", (data) => {
      const { order, action } = data;
      const isNew = action === "open" || action === "regrade";
      if (!isNew || order.urgency !== "red" || order.drill || !isIn(store.state.area, data)) return;
      pin(store, order.id);
      put(spoken, say("alarm_said", order.title, nameOf(order.code) || term("class", order.class)));
    }),
    bus.on("reset", () => put(spoken, "")),
    () => spoken.remove(),
  ];
  return () => ends.forEach((end) => end());
}
