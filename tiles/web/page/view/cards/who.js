// Who acts: the role and the person that somebody says to be, until the service knows its callers by name.

const KEPT = "gridmap.who";

/** @typedef {{role: string, actor: string}} Who */

/** @type {Who} */
let current = { role: "dispatcher", actor: "" };
try {
  current = { ...current, ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") };
} catch {
  localStorage.removeItem(KEPT);
}
/** @type {Set<() => void>} */
const calls = new Set();

/** @returns {Readonly<Who>} */
export const who = () => current;

/** @param {Partial<Who>} change */
export function beWho(change) {
  const next = { ...current, ...change };
  if (next.role === current.role && next.actor === current.actor) return;
  current = next;
  localStorage.setItem(KEPT, JSON.stringify(current));
  for (const call of [...calls]) call();
}

/** Call when somebody else acts from now on; gives a function that ends it. @param {() => void} call */
export function onWho(call) {
  calls.add(call);
  return () => void calls.delete(call);
}

/** What a request says of who asks. @returns {Record<string, string | null>} */
export const asker = () => ({ role: current.role, actor: current.actor || null });
