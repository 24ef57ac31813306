// Who is on duty: posts and their persons by number, never a name.

import { el } from "../core/dom.js";
import { learn, say } from "../core/words.js";
import { choose } from "../cards/going.js";
import { keepRows, put } from "../cards/rows.js";
import { dutyWord, shiftWords, term } from "../cards/terms.js";
import { followPart } from "./feed.js";

learn({
  duty_until: ["至 {0}", "until {0}"],
  duty_none: ["此区域没有人员名册", "No roster for this area"],
  duty_count: ["在岗 {0}", "{0} on duty"],
  duty_choose: ["查看网格 {0}", "Look at grid {0}"],
});

/** Until when a shift such as 中班 15:00-23:00 works. @param {string} shift */
function untilWords(shift) {
  const end = /-(\d\d:\d\d)/.exec(shift);
  return end ? say("duty_until", end[1]) : shiftWords(shift);
}

/** @type {import("./panels.js").Start} */
export function startDuty(page, frame, feed) {
  const list = el("ul", { class: "duty" });
  const none = el("p", { class: "quiet", "data-word": "duty_none", hidden: true });
  frame.body.append(list, none);
  return followPart(feed, "duty", (overview) => {
    none.hidden = overview.duty.length > 0;
    const many = overview.duty.filter((/** @type {any} */ each) => each.on_duty).length;
    put(frame.aside, overview.duty.length ? say("duty_count", many < 20 ? many : "20+") : "");
    keepRows(
      list,
      overview.duty,
      (each) => each.post,
      (each) =>
        el(
          "li",
          {},
          el("span", { class: "shape", "aria-hidden": "true" }),
          el("button", { type: "button", onclick: () => choose(page, each.grid) }, el("b"), el("span")),
          el("small"),
        ),
      (row, each) => {
        row.classList.toggle("off", !each.on_duty);
        put(row.children[0], each.on_duty ? "●" : "○");
        put(row.children[1].firstElementChild, term("role", each.role));
        put(row.children[1].lastElementChild, each.person);
        put(row.children[2], each.on_duty ? untilWords(each.shift) : dutyWord(each));
        row.title = `${dutyWord(each)} · ${shiftWords(each.shift)}`;
        /** @type {HTMLElement} */ (row.children[1]).title = say("duty_choose", each.grid);
      },
    );
  });
}
