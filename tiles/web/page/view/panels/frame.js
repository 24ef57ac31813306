// The frame of a panel: a heading that folds it, a place beside the heading for a figure, the body.

import { el } from "../core/dom.js";

/**
 * @typedef {{
 *   element: HTMLElement,
 *   body: HTMLElement,
 *   aside: HTMLElement,
 *   isOpen: () => boolean,
 *   onopen: (call: () => void) => void,
 * }} Frame
 */

const KEPT = "gridmap.folded";

/** @returns {string[]} */
function folded() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "[]");
  } catch {
    return [];
  }
}

/** @param {string} name @param {boolean} isOpen */
function keep(name, isOpen) {
  const others = folded().filter((each) => each !== name);
  localStorage.setItem(KEPT, JSON.stringify(isOpen ? others : [...others, name]));
}

/** Make the frame of a panel; it is folded where it was left so. @param {string} name @returns {Frame} */
export function makeFrame(name) {
  let isOpen = !folded().includes(name);
  /** @type {(() => void)[]} */
  const calls = [];
  const body = el("div", { class: "panel-body", id: `panel-${name}` });
  const aside = el("span", { class: "panel-aside" });
  const button = el(
    "button",
    { type: "button", class: "panel-fold", "aria-controls": body.id },
    el("span", { "data-word": `panel_${name}` }),
  );
  const element = el("section", { class: "panel", "data-panel": name }, el("h2", {}, button, aside), body);
  const show = () => {
    element.classList.toggle("folded", !isOpen);
    body.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
  };
  button.addEventListener("click", () => {
    isOpen = !isOpen;
    keep(name, isOpen);
    show();
    if (isOpen) calls.forEach((call) => call());
  });
  show();
  return { element, body, aside, isOpen: () => isOpen, onopen: (call) => void calls.push(call) };
}
