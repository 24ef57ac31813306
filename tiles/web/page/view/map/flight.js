// A line flies from an event to whoever handles it: to the grid of the member who has it, or up and away when it
// goes to a town's or a department's desk.

import { inView } from "./motion.js";

const ACTIONS = ["open", "dispatch", "accept", "reassign", "escalate", "whistle"];
const LIVES_MS = 1_700;
const TAIL = 0.38;
const STEPS = 18;
const SHORTEST = 14;
const ABOVE = 90;
/** Flights of one second, at most: more are a swarm that says nothing. */
const MOST = 4;
/** From farther away a grid is a few pixels wide, and nothing would be seen to fly. */
const NEAR = 12.8;

/** @typedef {{x: number, y: number}} Spot */

/** @param {import("./scene.js").Scene} scene @param {import("./motion.js").Motion} motion */
export function startFlights(scene, motion) {
  const { bus, store, borders } = scene;
  let [second, flown] = [0, 0];
  return bus.on("order", async (/** @type {any} */ said) => {
    const { order, action, to } = said;
    const goes = ACTIONS.includes(action) && (action !== "open" || to === "dispatched");
    if (!goes || !order.at || store.state.still || store.state.hidden.includes("order") || document.hidden) return;
    const grid = order.assignees?.[0]?.grid;
    if (grid && scene.map.getZoom() < NEAR) return;
    const now = Math.floor(performance.now() / 1_000);
    if (now !== second) [second, flown] = [now, 0];
    if (flown >= MOST || !inView(scene, order.at)) return;
    flown += 1;
    const box = grid ? (await borders.of(grid).catch(() => null))?.bbox : null;
    const target = box ? /** @type {[number, number]} */ ([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]) : null;
    if (grid && !target) return;
    motion.add(flight(order.at, target, action === "accept"));
  });
}

/**
 * @param {[number, number]} from @param {[number, number] | null} target null is up and away
 * @param {boolean} accepted @returns {import("./motion.js").Mover}
 */
export function flight(from, target, accepted) {
  return {
    born: performance.now(),
    lives: LIVES_MS,
    draw({ ink, at, paint }, part) {
      const start = at(from);
      const goal = target ? at(target) : { x: start.x + 30, y: start.y - ABOVE };
      const length = Math.hypot(goal.x - start.x, goal.y - start.y);
      const colour = accepted ? paint.green : paint.gold;
      const lift = target ? Math.min(160, 0.32 * length + 18) : 0;
      const path = (/** @type {number} */ t) => arc(start, goal, lift, t);
      if (length >= SHORTEST) streak(ink, path, Math.min(1, part * 1.35), colour);
      const landed = part * 1.35 - 1;
      if (landed > 0 && target) land(ink, goal, landed / 0.35, colour);
      const xs = [start.x, goal.x];
      const ys = [start.y, goal.y, Math.min(start.y, goal.y) - lift];
      return [Math.min(...xs) - 26, Math.min(...ys) - 26, Math.max(...xs) + 26, Math.max(...ys) + 26];
    },
  };
}

/**
 * A point of a bow between two.
 * @param {Spot} a @param {Spot} b @param {number} lift @param {number} t @returns {Spot}
 */
const arc = (a, b, lift, t) => ({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t - 4 * lift * t * (1 - t) });

/**
 * The tail of light behind the head.
 * @param {CanvasRenderingContext2D} ink @param {(t: number) => Spot} path @param {number} head @param {string} colour
 */
function streak(ink, path, head, colour) {
  const tail = Math.max(0, head - TAIL);
  ink.strokeStyle = colour;
  ink.lineCap = "round";
  let before = path(tail);
  for (let step = 1; step <= STEPS; step++) {
    const next = path(tail + ((head - tail) * step) / STEPS);
    ink.globalAlpha = (step / STEPS) ** 2 * 0.95;
    ink.lineWidth = 0.8 + (2.4 * step) / STEPS;
    ink.beginPath();
    ink.moveTo(before.x, before.y);
    ink.lineTo(next.x, next.y);
    ink.stroke();
    before = next;
  }
  ink.globalAlpha = 1;
  ink.fillStyle = colour;
  ink.beginPath();
  ink.arc(before.x, before.y, 3.2, 0, 2 * Math.PI);
  ink.fill();
}

/**
 * Where it has come to: a ring that closes.
 * @param {CanvasRenderingContext2D} ink @param {Spot} at @param {number} part @param {string} colour
 */
function land(ink, at, part, colour) {
  ink.globalAlpha = Math.max(0, 1 - part);
  ink.strokeStyle = colour;
  ink.lineWidth = 2;
  ink.beginPath();
  ink.arc(at.x, at.y, 16 - 11 * Math.min(1, part), 0, 2 * Math.PI);
  ink.stroke();
  ink.globalAlpha = 1;
}
