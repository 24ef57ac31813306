// What can happen to an order: the service's own table (GET /orders/transitions), read once.

/** @type {Promise<any> | null} */
let table = null;

/** What some actions may take along beside what they need. */
const MAY = /** @type {Record<string, string[]>} */ ({
  arrive: ["photos"],
  feedback: ["photos"],
  request_delay: ["duration"],
  grant_delay: ["duration"],
  escalate: ["level"],
  evaluate: ["note"],
  supervise: ["note"],
  whistle: ["note"],
  reassign: ["note"],
  check: ["note"],
});
/** What is sensible next, in this order, is offered first. */
const NEXT = [
  ...["accept", "arrive", "start", "feedback", "reply", "check", "close", "verify", "file", "dispatch"],
  ...["grant_delay", "resume", "evaluate", "handle_on_spot"],
];
/** Actions that nobody should take by a slip of the finger. */
export const GRAVE = new Set(["void", "reject", "merge", "suspend", "return"]);

/** @param {import("../core/net.js").Net} net @returns {Promise<any>} */
export function readTable(net) {
  table ??= net.get("/orders/transitions").catch((error) => {
    table = null;
    throw error;
  });
  return table;
}

/**
 * What an action needs in a state, and what it may have.
 * @param {any} found the table
 * @param {any} order
 * @param {string} action
 * @returns {{needs: string[], may: string[]}}
 */
export function wantsOf(found, order, action) {
  const row = found.transitions.find(
    (/** @type {any} */ each) => each.action === action && each.states.includes(order.state),
  );
  const needs = [...(row?.needs ?? [])];
  if (action === "dispatch" && (order.queue || order.level === "city")) needs.push("assignment");
  const owing = order.called.filter((/** @type {any} */ each) => !each.ended_at);
  if (["reply", "release"].includes(action) && owing.length > 1) needs.push("department");
  return { needs, may: (MAY[action] ?? []).filter((each) => !needs.includes(each)) };
}

/** The action that is most sensible next, of those allowed. @param {readonly string[]} allowed */
export const nextOf = (allowed) => NEXT.find((action) => allowed.includes(action)) ?? null;

/**
 * Actions as they are offered: the most sensible one first, the others in the order of the service.
 * @param {readonly string[]} allowed
 */
export function offered(allowed) {
  const first = nextOf(allowed);
  return first ? [first, ...allowed.filter((each) => each !== first)] : [...allowed];
}
