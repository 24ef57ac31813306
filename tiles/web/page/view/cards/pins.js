// Pinned orders: what stays in sight. Urgent ones are pinned by the page, others by hand; remembered here.

/** @typedef {import("../core/store.js").Store} Store */

const KEPT = "gridmap.pinned";
const MOST = 12;

/** Give the state what was pinned before, and remember what is pinned from now on. @param {Store} store */
export function keepPins(store) {
  if (!store.state.pinned.length) {
    try {
      store.set({ pinned: JSON.parse(localStorage.getItem(KEPT) ?? "[]") });
    } catch {
      localStorage.removeItem(KEPT);
    }
  }
  return store.watch(["pinned"], ({ pinned }) => localStorage.setItem(KEPT, JSON.stringify(pinned)));
}

/** Pin an order, newest first. @param {Store} store @param {string} id */
export function pin(store, id) {
  const { pinned } = store.state;
  if (!pinned.includes(id)) store.set({ pinned: [id, ...pinned].slice(0, MOST) });
}

/** @param {Store} store @param {string} id */
export const unpin = (store, id) => store.set({ pinned: store.state.pinned.filter((each) => each !== id) });

/** @param {Store} store @param {string} id */
export const togglePin = (store, id) => (store.state.pinned.includes(id) ? unpin(store, id) : pin(store, id));
