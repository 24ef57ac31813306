// The drawer in which one thing is looked at closely: an area, a building, an order, an event.
//
// It follows `card` of the state. Each kind draws itself into the body and gives functions that draw it anew
// (in another language) and end it. Escape closes the card before it does anything else.

import { el } from "../core/dom.js";
import { learn, reword, say } from "../core/words.js";
import { openArea } from "./area.js";
import { openBuilding } from "./building.js";
import { openEvent } from "./event.js";
import { openOrder } from "./order.js";
import { keepPins } from "./pins.js";
import { NEAR } from "./going.js";
import { isEnded, wordsOf } from "../core/problems.js";

/** @typedef {import("../main.js").Page} Page */
/**
 * @typedef {{
 *   title: () => string,
 *   kind: () => string,
 *   at: () => readonly [number, number] | null,
 *   draw: () => void,
 *   end: () => void,
 *   escape?: () => boolean,
 * }} Shown
 */
/** @typedef {{page: Page, id: string, body: HTMLElement, signal: AbortSignal, retitle: () => void}} Opening */

learn({
  card_close: ["关闭（Esc）", "Close (Esc)"],
  card_fly: ["在地图上查看", "Show on the map"],
  card_loading: ["正在读取…", "Loading…"],
  card_again: ["重试", "Try again"],
});

/** @type {Record<string, (opening: Opening) => Promise<Shown>>} */
const KINDS = { area: openArea, building: openBuilding, order: openOrder, event: openEvent };

/** @param {Page} page @param {HTMLElement} element */
export function startCards(page, element) {
  const { store, bus } = page;
  /** @type {Shown | null} */ let shown = null;
  /** @type {AbortController | null} */ let asked = null;
  /** @type {Element | null} */ let came = null;
  let isLinked = store.state.card !== null;

  const kind = el("p", { class: "kind" });
  const title = el("h2", { tabindex: "-1", id: "card-title" });
  const fly = el("button", { type: "button", class: "fly target", "data-title": "card_fly" });
  const close = el("button", { type: "button", class: "close", "data-title": "card_close" }, "×");
  const body = el("div", { class: "card-body" });
  const head = el("header", {}, el("div", {}, kind, title), fly, close);
  element.append(head, body);
  reword(element);
  close.addEventListener("click", () => store.set({ card: null }));
  fly.addEventListener("click", () => shown?.at() && bus.tell("fly", { at: shown.at(), zoom: 17 }));

  const retitle = () => {
    if (!shown) return;
    title.textContent = shown.title();
    kind.textContent = shown.kind();
    fly.hidden = !shown.at();
  };
  const end = () => {
    asked?.abort();
    shown?.end();
    shown = null;
    body.replaceChildren();
  };
  const open = async (/** @type {NonNullable<import("../core/store.js").Card>} */ card) => {
    end();
    const mine = (asked = new AbortController());
    title.textContent = card.id;
    kind.textContent = "";
    fly.hidden = true;
    element.dataset.kind = card.kind;
    body.replaceChildren(el("p", { class: "quiet" }, say("card_loading")));
    body.scrollTop = element.scrollTop = 0;
    try {
      const place = el("div");
      const found = await KINDS[card.kind]({ page, id: card.id, body: place, signal: mine.signal, retitle });
      if (mine.signal.aborted) return found.end();
      shown = found;
      body.replaceChildren(place);
      retitle();
      if (isLinked && card.kind !== "area" && found.at()) bus.tell("linked", { at: found.at(), zoom: NEAR });
      isLinked = false;
    } catch (error) {
      if (isEnded(error) || mine.signal.aborted) return;
      const again = el("button", { type: "button", onclick: () => open(card) }, say("card_again"));
      body.replaceChildren(el("p", { class: "problem", role: "alert" }, wordsOf(error)), again);
    }
  };
  const follow = () => {
    const { card } = store.state;
    if (!card) {
      end();
      element.hidden = true;
      if (came instanceof HTMLElement && came.isConnected) came.focus({ preventScroll: true });
      came = null;
      return;
    }
    if (element.hidden) came = document.activeElement;
    element.hidden = false;
    open(card);
    title.focus({ preventScroll: true });
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || !store.state.card || event.isComposing) return;
    if (event.target instanceof Element && event.target.closest("#search")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!shown?.escape?.()) store.set({ card: null });
  };
  window.addEventListener("keydown", key, true);
  element.setAttribute("aria-labelledby", "card-title");
  const ends = [
    keepPins(store),
    store.watch(["card"], ({ card }, before) => {
      if (card?.kind !== before.card?.kind || card?.id !== before.card?.id || !card !== !before.card) follow();
    }),
    store.watch(["language"], () => {
      shown?.draw();
      retitle();
    }),
    () => window.removeEventListener("keydown", key, true),
    end,
    () => element.replaceChildren(),
  ];
  if (store.state.card) follow();
  return () => ends.forEach((each) => each());
}
