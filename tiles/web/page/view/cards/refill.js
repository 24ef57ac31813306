// A card is drawn anew while somebody goes through it by keyboard: what had the focus has it again.

const FOCUSABLE = "button, a[href], summary, input, select, textarea, [tabindex]";

/** What something is to a person: its kind and its words. @param {Element} each */
const likeness = (each) => `${each.tagName} ${each.getAttribute("name") ?? each.textContent}`;

/**
 * Give an element other content; pieces that are nothing are left out.
 * @param {HTMLElement} element @param {(Node | null | undefined | false | "" | 0)[]} content
 */
export function refill(element, content) {
  const focused = document.activeElement;
  const had = focused && focused !== element && element.contains(focused) ? likeness(focused) : null;
  const alike = () => [...element.querySelectorAll(FOCUSABLE)].filter((each) => likeness(each) === had);
  const place = had === null || !focused ? -1 : alike().indexOf(focused);
  element.replaceChildren(.../** @type {Node[]} */ (content.filter(Boolean)));
  if (place < 0) return;
  const found = alike();
  const next = found[Math.min(place, found.length - 1)] ?? element.querySelector(FOCUSABLE);
  if (next instanceof HTMLElement) next.focus({ preventScroll: true });
}
