// Where a report is about: here, by the device, or where a cross on the map stands; said as a grid's name.

import { el } from "../core/dom.js";
import { count } from "../core/format.js";
import { learn, reword, say } from "../core/words.js";
import { wordsOf } from "../core/problems.js";
import { canPick, gridOf, startPicking, whereIAm } from "./here.js";

learn({
  place_where: ["现场位置", "Where it is"],
  place_here: ["我的位置", "Where I am"],
  place_pick: ["✛ 地图点选", "✛ On the map"],
  place_done: ["✓ 就是这里", "✓ This is it"],
  place_finding: ["正在定位…", "Finding where you are…"],
  place_accuracy: ["精度 ±{0} 米", "± {0} m"],
  place_none: ["尚未确定", "Not said yet"],
  place_outside: ["不在任何网格内，仍可上报", "In no grid; it can be reported all the same"],
  place_other: ["不是我的网格", "not my grid"],
});

/** @param {import("./phone.js").Phone} phone */
export function makePlace(phone) {
  const { page, mine, element } = phone;
  /** @type {import("./here.js").Here | null} */ let here = null;
  /** @type {(() => void) | null} */ let stopPicking = null;
  let asked = 0;
  const said = el("p", { class: "where", role: "status" });
  const byDevice = el("button", { type: "button", class: "big quietly target", "data-word": "place_here" });
  const byMap = el("button", { type: "button", class: "big quietly" });
  const fieldset = el(
    "fieldset",
    { class: "field" },
    el("legend", { "data-word": "place_where" }),
    said,
    el("div", { class: "thumbs" }, byDevice, byMap),
  );
  said.textContent = say("place_none");

  const take = async (/** @type {import("./here.js").Here} */ found) => {
    here = found;
    const mark = ++asked;
    const [lon, lat] = found.at;
    const words = [
      `${lon.toFixed(5)}, ${lat.toFixed(5)}`,
      found.accuracy_m && say("place_accuracy", count(found.accuracy_m)),
    ];
    said.textContent = words.filter(Boolean).join(" · ");
    const grid = await gridOf(page.net, found).catch(() => null);
    if (!grid || mark !== asked) return;
    const other = grid.code && mine.grid && grid.code !== mine.grid.code ? `（${say("place_other")}）` : "";
    said.textContent = [grid.code ? grid.name + other : say("place_outside"), ...words].filter(Boolean).join(" · ");
  };
  const label = () => {
    byMap.textContent = say(stopPicking ? "place_done" : "place_pick");
    byMap.classList.toggle("primary", stopPicking !== null);
    if (!here) said.textContent = say("place_none");
  };
  const endPicking = () => {
    stopPicking?.();
    stopPicking = null;
    element.classList.remove("picking");
    label();
  };
  byDevice.addEventListener("click", async () => {
    endPicking();
    said.textContent = say("place_finding");
    byDevice.disabled = true;
    try {
      const found = await whereIAm();
      page.bus.tell("fly", { at: found.at, zoom: 17 });
      await take(found);
    } catch (error) {
      said.textContent = wordsOf(error);
    }
    byDevice.disabled = false;
  });
  byMap.addEventListener("click", () => {
    if (stopPicking) return endPicking();
    if (!canPick()) return;
    element.classList.remove("tall");
    element.classList.add("picking");
    stopPicking = startPicking((at) => void take({ at, accuracy_m: null }));
    label();
  });
  const stop = page.store.follow(["language"], label);
  reword(fieldset);
  return {
    element: fieldset,
    here: () => here,
    end() {
      stop();
      endPicking();
    },
  };
}
