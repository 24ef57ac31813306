// The panels at both sides: each follows the chosen area, folds by its heading, and remembers that.
//
// What they show comes from one feed (panels/feed.js). A narrow screen folds a whole column.

import { el } from "../core/dom.js";
import { learn, reword } from "../core/words.js";
import { startAlarms } from "./alarms.js";
import { startClasses } from "./classes.js";
import { startDevices } from "./devices.js";
import { startDuty } from "./duty.js";
import { startFeed } from "./feed.js";
import { startFigures } from "./figures.js";
import { makeFrame } from "./frame.js";
import { startHours } from "./hours.js";
import { startPinned } from "./pinned.js";
import { startRanking } from "./ranking.js";
import { startTicker } from "./ticker.js";

/** @typedef {import("../main.js").Page} Page */
/** @typedef {(page: Page, frame: import("./frame.js").Frame, feed: import("./feed.js").Feed) => () => void} Start */

learn({
  panel_figures: ["总览", "Overview"],
  panel_hours: ["今日趋势", "Today by the hour"],
  panel_classes: ["事件分类", "By class"],
  panel_ranking: ["区域排名", "Ranking"],
  panel_alarms: ["最新告警", "Latest alarms"],
  panel_pinned: ["重点关注", "Pinned"],
  panel_devices: ["设备在线", "Devices online"],
  panel_duty: ["值班", "On duty"],
  panel_ticker: ["实时动态", "Live"],
  fold_word_left: ["统计", "Figures"],
  fold_word_right: ["动态", "Live"],
  fold_left: ["展开或收起统计面板", "Show or hide the figures"],
  fold_right: ["展开或收起动态面板", "Show or hide what happens"],
});

/** @type {Record<"left" | "right", [string, Start][]>} */
const PANELS = {
  left: [
    ["figures", startFigures],
    ["hours", startHours],
    ["classes", startClasses],
    ["ranking", startRanking],
  ],
  right: [
    ["alarms", startAlarms],
    ["pinned", startPinned],
    ["devices", startDevices],
    ["duty", startDuty],
    ["ticker", startTicker],
  ],
};
/** Narrower than this the map would have no room beside two columns. */
const NARROW = matchMedia("(max-width: 1100px)");

/**
 * Fill both columns; gives a function that ends them.
 * @param {Page} page
 * @param {HTMLElement} left
 * @param {HTMLElement} right
 */
export function startPanels(page, left, right) {
  /** @type {(() => void)[]} */
  let ends = [];
  const end = () => {
    ends.forEach((each) => each());
    ends = [];
  };
  // A phone has no room for them: then they are not there at all, and ask for nothing.
  const stop = page.store.follow(["phone"], ({ phone }) => {
    if (phone) end();
    else if (!ends.length) ends = fill(page, left, right);
  });
  return () => {
    stop();
    end();
  };
}

/** @param {Page} page @param {HTMLElement} left @param {HTMLElement} right */
function fill(page, left, right) {
  const feed = startFeed(page);
  return [
    ...startColumn(page, left, "left", feed),
    ...startColumn(page, right, "right", feed),
    keepFolded([left, right]),
    feed.end,
  ];
}

/**
 * @param {Page} page
 * @param {HTMLElement} column
 * @param {"left" | "right"} side
 * @param {import("./feed.js").Feed} feed
 */
function startColumn(page, column, side, feed) {
  const turn = () => setFolded(column, !column.classList.contains("folded"));
  const fold = el(
    "button",
    { type: "button", class: "column-fold", "data-title": `fold_${side}`, "aria-controls": column.id, onclick: turn },
    el("span", { "data-word": `fold_word_${side}` }),
  );
  column.append(fold);
  const ends = PANELS[side].map(([name, start]) => {
    const frame = makeFrame(name);
    column.append(frame.element);
    const end = start(page, frame, feed);
    return () => {
      end();
      frame.element.remove();
    };
  });
  reword(column);
  return [...ends, () => fold.remove()];
}

/** @param {HTMLElement} column @param {boolean} folded */
function setFolded(column, folded) {
  column.classList.toggle("folded", folded);
  column.querySelector(".column-fold")?.setAttribute("aria-expanded", String(!folded));
}

/** Fold both columns where the screen becomes narrow. @param {HTMLElement[]} columns */
function keepFolded(columns) {
  const look = () => columns.forEach((column) => setFolded(column, NARROW.matches));
  look();
  NARROW.addEventListener("change", look);
  return () => NARROW.removeEventListener("change", look);
}
