// Events pulse where they happen: a ring that grows and fades. Urgent ones flash longer, with a sign.

import { SIGNS } from "./marks.js";
import { inView } from "./motion.js";

const LIVES_MS = { red: 9_000, orange: 5_000, yellow: 1_500, blue: 1_300 };
const REACH = { red: 54, orange: 42, yellow: 24, blue: 20 };
/** How long one beat of what flashes takes. */
const BEAT_MS = 1_000;

/** @typedef {keyof typeof LIVES_MS} Urgency */

/** @param {import("./scene.js").Scene} scene @param {import("./motion.js").Motion} motion */
export function startPulses(scene, motion) {
  const { bus, store } = scene;
  return bus.on("event", (/** @type {any} */ event) => {
    if (!event.at || event.op === "close" || store.state.hidden.includes("event")) return;
    if (inView(scene, event.at)) motion.add(pulse(event.at, event.urgency in LIVES_MS ? event.urgency : "blue"));
  });
}

/** @param {[number, number]} place @param {Urgency} urgency @returns {import("./motion.js").Mover} */
export function pulse(place, urgency) {
  const lives = LIVES_MS[urgency];
  const urgent = urgency === "red" || urgency === "orange";
  return {
    born: performance.now(),
    lives,
    draw({ ink, at, paint }, part) {
      const { x, y } = at(place);
      const beat = urgent ? ((part * lives) % BEAT_MS) / BEAT_MS : part;
      const reach = REACH[urgency];
      ink.strokeStyle = paint[urgency];
      ring(ink, x, y, 5 + beat * reach, 1 - beat, urgent ? 3 : 2);
      if (urgent) ring(ink, x, y, 5 + ((beat + 0.5) % 1) * reach, 1 - ((beat + 0.5) % 1), 2);
      if (urgent) flag(ink, x, y, urgency, paint, 1 - Math.max(0, part - 0.85) / 0.15);
      const wide = reach + 10;
      return [x - wide, y - wide - (urgent ? 12 : 0), x + wide, y + wide];
    },
  };
}

/**
 * @param {CanvasRenderingContext2D} ink @param {number} x @param {number} y @param {number} radius
 * @param {number} strength @param {number} width
 */
function ring(ink, x, y, radius, strength, width) {
  ink.globalAlpha = Math.max(0, strength);
  ink.lineWidth = width;
  ink.beginPath();
  ink.arc(x, y, radius, 0, 2 * Math.PI);
  ink.stroke();
  ink.globalAlpha = 1;
}

/**
 * A sign above the place.
 * @param {CanvasRenderingContext2D} ink @param {number} x @param {number} y @param {Urgency} urgency
 * @param {import("./scene.js").Colours} paint @param {number} strength
 */
function flag(ink, x, y, urgency, paint, strength) {
  ink.globalAlpha = Math.max(0, strength);
  ink.fillStyle = paint[urgency];
  ink.beginPath();
  ink.arc(x, y - 22, 10, 0, 2 * Math.PI);
  ink.moveTo(x - 5, y - 14);
  ink.lineTo(x, y - 6);
  ink.lineTo(x + 5, y - 14);
  ink.fill();
  ink.fillStyle = paint.letters[urgency === "red" ? 1 : 0];
  ink.font = "700 12px sans-serif";
  ink.textAlign = "center";
  ink.textBaseline = "middle";
  ink.fillText(SIGNS[urgency], x, y - 22.5);
  ink.globalAlpha = 1;
}
