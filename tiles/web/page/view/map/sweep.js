// When an area is chosen, light runs once around its rim.

import { thinned } from "./borders.js";

const LIVES_MS = 2_200;
const DELAY_MS = 350;
const TAIL = 0.16;
const CORNERS = 260;
const PIECES = 14;

/** @param {import("./scene.js").Scene} scene @param {import("./motion.js").Motion} motion */
export function startSweep(scene, motion) {
  return scene.bus.on("lifted", (/** @type {{rings: [number, number][][]}} */ { rings }) => {
    const longest = rings.reduce((a, b) => (b.length > a.length ? b : a), rings[0] ?? []);
    if (longest.length > 3) motion.add(sweep(few(longest)));
  });
}

/** @param {[number, number][]} ring */
function few(ring) {
  const xs = ring.map(([x]) => x);
  return thinned(ring, (2 * (Math.max(...xs) - Math.min(...xs))) / CORNERS);
}

/** @param {[number, number][]} ring @returns {import("./motion.js").Mover} */
export function sweep(ring) {
  return {
    born: performance.now() + DELAY_MS,
    lives: LIVES_MS,
    draw({ ink, at, paint }, part) {
      const spots = ring.map(at);
      const lengths = [0];
      for (let step = 1; step < spots.length; step++) {
        const [a, b] = [spots[step - 1], spots[step]];
        lengths.push(lengths[step - 1] + Math.hypot(b.x - a.x, b.y - a.y));
      }
      const whole = lengths[lengths.length - 1];
      if (!whole) return null;
      ink.strokeStyle = paint.dark ? "#ffffff" : paint.gold;
      ink.lineCap = "round";
      const head = part * (1 + TAIL);
      for (let piece = 0; piece < PIECES; piece++) {
        const from = head - TAIL + (TAIL * piece) / PIECES;
        const to = head - TAIL + (TAIL * (piece + 1)) / PIECES;
        if (to <= 0 || from >= 1) continue;
        ink.globalAlpha = ((piece + 1) / PIECES) ** 2;
        ink.lineWidth = 1 + (3.5 * piece) / PIECES;
        trace(ink, spots, lengths, Math.max(0, from) * whole, Math.min(1, to) * whole);
      }
      ink.globalAlpha = 1;
      const [xs, ys] = [spots.map(({ x }) => x), spots.map(({ y }) => y)];
      return [Math.min(...xs) - 6, Math.min(...ys) - 6, Math.max(...xs) + 6, Math.max(...ys) + 6];
    },
  };
}

/**
 * Draw the piece of a ring between two lengths along it.
 * @param {CanvasRenderingContext2D} ink @param {{x: number, y: number}[]} spots @param {number[]} lengths
 * @param {number} from @param {number} to
 */
function trace(ink, spots, lengths, from, to) {
  ink.beginPath();
  let begun = false;
  for (let step = 1; step < spots.length; step++) {
    const [low, high] = [lengths[step - 1], lengths[step]];
    if (high < from || low > to || high === low) continue;
    const along = (/** @type {number} */ length) => {
      const part = (length - low) / (high - low);
      const [a, b] = [spots[step - 1], spots[step]];
      return /** @type {[number, number]} */ ([a.x + (b.x - a.x) * part, a.y + (b.y - a.y) * part]);
    };
    if (!begun) ink.moveTo(...along(Math.max(low, from)));
    begun = true;
    ink.lineTo(...along(Math.min(high, to)));
  }
  ink.stroke();
}
