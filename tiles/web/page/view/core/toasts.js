// What is said in passing: a few lines that go away by themselves.

import { el } from "./dom.js";

const SHOWN_MS = 6_000;
const MOST = 4;

/** @param {import("./bus.js").Bus} bus @param {HTMLElement} place */
export function startToasts(bus, place) {
  return bus.on("toast", ({ text, grave }) => {
    const line = el("div", { class: grave ? "toast grave" : "toast" }, text);
    place.append(line);
    while (place.children.length > MOST) place.firstChild?.remove();
    setTimeout(() => line.remove(), grave ? 2 * SHOWN_MS : SHOWN_MS);
  });
}
