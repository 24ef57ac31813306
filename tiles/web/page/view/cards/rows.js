// A list whose rows stay the same elements while their content changes: focus and scroll are not lost.

/**
 * Make the children of a list those of some items: a row that is there is filled anew, others are made, the rest goes.
 * @template T
 * @param {HTMLElement} list @param {readonly T[]} items @param {(item: T) => string} keyOf
 * @param {(item: T) => HTMLElement} make  a new row @param {(row: HTMLElement, item: T) => void} fill
 */
export function keepRows(list, items, keyOf, make, fill) {
  const have = new Map(
    [...list.children].map((row) => [
      /** @type {HTMLElement} */ (row).dataset.key ?? "",
      /** @type {HTMLElement} */ (row),
    ]),
  );
  /** @type {Element | null} */
  let place = list.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let row = have.get(key);
    have.delete(key);
    if (!row) {
      row = make(item);
      row.dataset.key = key;
    }
    fill(row, item);
    if (row === place) place = place.nextElementSibling;
    else list.insertBefore(row, place);
  }
  for (const row of have.values()) row.remove();
}

/** Give an element a text, if it is another one. @param {Element | null} element @param {string} text */
export function put(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}
