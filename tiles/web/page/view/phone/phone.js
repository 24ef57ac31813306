// A grid member's own view, held in one hand: my grid, my orders, report an event where I stand.
//
// It is there while the screen is narrow (`phone` of the state), below the map; the arrow makes it taller.

import { el } from "../core/dom.js";
import { learn, reword } from "../core/words.js";
import { startGrid } from "./grid.js";
import { makeMine } from "./mine.js";
import { startOrders } from "./orders.js";
import { makeOutbox } from "./outbox.js";
import { startReport } from "./report.js";

/** @typedef {import("../main.js").Page} Page */
/**
 * @typedef {{
 *   page: Page,
 *   mine: import("./mine.js").Mine,
 *   outbox: import("./outbox.js").Outbox,
 *   show: (tab: string) => void,
 *   badge: (tab: string, many: number) => void,
 *   element: HTMLElement,
 * }} Phone
 */

learn({
  tab_grid: ["我的网格", "My grid"],
  tab_orders: ["我的工单", "My orders"],
  tab_report: ["上报", "Report"],
  phone_tabs: ["网格员视图", "Grid member"],
  phone_taller: ["展开或收起", "Taller or smaller"],
});

const KEPT = "gridmap.tab";
/** @type {[string, string, (phone: Phone, place: HTMLElement) => () => void][]} */
const TABS = [
  ["grid", "田", startGrid],
  ["orders", "☑", startOrders],
  ["report", "＋", startReport],
];

/** @param {Page} page @param {HTMLElement} element */
export function startPhone(page, element) {
  /** @type {(() => void) | null} */ let end = null;
  // A phone that is turned is wide for a moment: what somebody has typed waits for him.
  const stop = page.store.follow(["phone"], ({ phone }) => {
    element.hidden = !phone;
    if (phone) end ??= mount(page, element);
  });
  return () => {
    stop();
    end?.();
  };
}

/** @param {Page} page @param {HTMLElement} element */
function mount(page, element) {
  const outbox = makeOutbox(page);
  const mine = makeMine();
  const tabs = el("div", { class: "tabs", role: "tablist", "data-title": "phone_tabs" });
  const taller = el(
    "button",
    { type: "button", class: "taller", "data-title": "phone_taller", "aria-expanded": "false" },
    "▲",
  );
  const pages = el("div", { class: "pages" });
  /** @type {Map<string, {tab: HTMLElement, panel: HTMLElement, badge: HTMLElement}>} */
  const parts = new Map();

  const show = (/** @type {string} */ wanted) => {
    for (const [name, { tab, panel }] of parts) {
      const isShown = name === wanted;
      tab.setAttribute("aria-selected", String(isShown));
      tab.tabIndex = isShown ? 0 : -1;
      panel.hidden = !isShown;
    }
    pages.scrollTop = 0;
    element.dataset.tab = wanted;
    localStorage.setItem(KEPT, wanted);
  };
  /** @type {Phone} */
  const phone = {
    page,
    mine,
    outbox,
    show,
    element,
    badge: (name, many) => {
      const badge = parts.get(name)?.badge;
      if (badge) Object.assign(badge, { textContent: many ? String(many) : "", hidden: !many });
    },
  };
  for (const [name, sign] of TABS) {
    const badge = el("span", { class: "badge", hidden: true });
    const panel = el("div", { id: `phone-${name}`, role: "tabpanel", "aria-labelledby": `tab-${name}`, hidden: true });
    const tab = el(
      "button",
      { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": panel.id, onclick: () => show(name) },
      el("i", { "aria-hidden": "true" }, sign),
      el("span", { "data-word": `tab_${name}` }),
      badge,
    );
    tabs.append(tab);
    pages.append(panel);
    parts.set(name, { tab, panel, badge });
  }
  tabs.addEventListener("keydown", (event) => turn(event, tabs));
  taller.addEventListener("click", () => {
    const isTall = element.classList.toggle("tall");
    taller.textContent = isTall ? "▼" : "▲";
    taller.setAttribute("aria-expanded", String(isTall));
  });
  element.replaceChildren(pages, el("div", { class: "bar-below" }, tabs, taller));
  const ends = TABS.map(([name, , start]) => start(phone, /** @type {any} */ (parts.get(name)).panel));
  reword(element);
  show(mine.grid ? (localStorage.getItem(KEPT) ?? "orders") : "grid");
  return () => {
    ends.forEach((end) => end());
    outbox.end();
    element.replaceChildren();
  };
}

/** Arrow keys go from tab to tab. @param {KeyboardEvent} event @param {HTMLElement} tabs */
function turn(event, tabs) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const all = [...tabs.children];
  const at = all.indexOf(/** @type {Element} */ (document.activeElement));
  const next = /** @type {HTMLElement} */ (all[(at + step + all.length) % all.length]);
  next.click();
  next.focus();
}
