// Devices online by kind, of those that were ever heard; alarms beside them.

import { el } from "../core/dom.js";
import { count, decimal } from "../core/format.js";
import { learn, say } from "../core/words.js";
import { keepRows, put } from "../cards/rows.js";
import { term } from "../cards/terms.js";
import { followPart } from "./feed.js";

learn({
  devices_rate: ["在线率 {0}%", "{0}% online"],
  devices_sum: ["在线 {0} · 离线 {1} · 未上线 {2}", "{0} online · {1} offline · {2} never heard"],
  devices_alarms: ["▲ 告警 {0} 台", "▲ {0} with an alarm"],
  devices_none: ["此区域没有设备", "No devices in this area"],
  devices_row: ["{0}：{1} 台中 {2} 台在线", "{0}: {2} of {1} online"],
});

/** @type {import("./panels.js").Start} */
export function startDevices(_page, frame, feed) {
  const sum = el("p", { class: "quiet" });
  const alarms = el("p", { class: "warn" });
  const list = el("ul", { class: "kinds" });
  frame.body.append(sum, alarms, list);
  return followPart(feed, "devices", (overview) => {
    const { devices } = overview;
    const heard = devices.online + devices.offline;
    put(frame.aside, heard ? say("devices_rate", decimal((100 * devices.online) / heard, 1)) : "");
    put(
      sum,
      devices.total
        ? say("devices_sum", count(devices.online), count(devices.offline), count(devices.total - heard))
        : say("devices_none"),
    );
    put(alarms, devices.alarms ? say("devices_alarms", count(devices.alarms)) : "");
    alarms.hidden = !devices.alarms;
    keepRows(
      list,
      devices.by_kind,
      (each) => each.kind,
      () => el("li", {}, el("span"), el("b"), el("span", { class: "bar", "aria-hidden": "true" }, el("i"))),
      (row, each) => {
        put(row.children[0], term("kind", each.kind));
        const bar = /** @type {HTMLElement} */ (row.children[2].firstElementChild);
        bar.style.transform = `scaleX(${each.total ? each.online / each.total : 0})`;
        put(row.children[1], `${count(each.online)} / ${count(each.total)}`);
        row.title = say("devices_row", term("kind", each.kind), count(each.total), count(each.online));
      },
    );
  });
}
