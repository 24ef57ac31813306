// What moves: one canvas over the map, drawn at most some times a second, and only while something lives.
//
// The map itself is expensive to draw and knows nothing of this. A thing that moves says where it is, how long
// it lives and how it is drawn; the canvas is cleared where the last picture was, no wider. Who wants less
// motion (store.still) gets none of it, and a hidden page draws nothing.

import { startFlights } from "./flight.js";
import { startPulses } from "./pulse.js";
import { colours } from "./scene.js";
import { startSweep } from "./sweep.js";

const FRAME_MS = 40;
const MOST = 60;
const EDGE = 4;

/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {import("./scene.js").Colours} Colours */
/** @typedef {{x: number, y: number}} Spot */
/** @typedef {[number, number, number, number]} Box  west, north, east, south in pixels */

/**
 * Something that moves: when it began and how long it lives, in ms; `draw` gives the box that it drew in.
 * @typedef {{born: number, lives: number, draw: (pen: Pen, part: number) => Box | null}} Mover
 * @typedef {{ink: CanvasRenderingContext2D, at: (place: [number, number]) => Spot, paint: Colours}} Pen
 */

export class Motion {
  /** @param {Scene} scene */
  constructor(scene) {
    this.scene = scene;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "map-motion";
    this.canvas.setAttribute("aria-hidden", "true");
    scene.container.append(this.canvas);
    this.ink = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    /** @type {Mover[]} */ this.movers = [];
    /** @type {Box[]} */ this.drawn = [];
    this.paint = colours();
    this.frame = 0;
    this.last = 0;
    this.fit();
  }

  /** As large as the map. */
  fit() {
    const { clientWidth, clientHeight } = this.scene.container;
    const scale = Math.min(devicePixelRatio, 1.5);
    this.canvas.width = Math.round(clientWidth * scale);
    this.canvas.height = Math.round(clientHeight * scale);
    this.ink.setTransform(scale, 0, 0, scale, 0, 0);
    this.drawn = [];
  }

  /** Let something move, unless there is too much already or nobody would see it. @param {Mover} mover */
  add(mover) {
    const { state } = this.scene.store;
    if (state.still || state.replay || document.hidden || this.movers.length >= MOST) return;
    this.movers.push(mover);
    this.frame ||= requestAnimationFrame((now) => this.step(now));
  }

  /** @param {number} now */
  step(now) {
    this.frame = 0;
    if (now - this.last >= FRAME_MS) {
      this.last = now;
      this.redraw(now);
    }
    if (this.movers.length) this.frame = requestAnimationFrame((next) => this.step(next));
  }

  /** @param {number} now */
  redraw(now) {
    for (const [west, north, east, south] of this.drawn) {
      this.ink.clearRect(west - EDGE, north - EDGE, east - west + 2 * EDGE, south - north + 2 * EDGE);
    }
    const { map } = this.scene;
    const pen = { ink: this.ink, at: (/** @type {[number, number]} */ place) => map.project(place), paint: this.paint };
    this.movers = document.hidden ? [] : this.movers.filter((mover) => now - mover.born < mover.lives);
    this.drawn = [];
    for (const mover of this.movers) {
      const box = mover.draw(pen, Math.max(0, now - mover.born) / mover.lives);
      if (box) this.drawn.push(box);
    }
  }

  /** Let nothing move any more. */
  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.movers = [];
    this.redraw(performance.now());
  }
}

/** @param {Scene} scene */
export function startMotion(scene) {
  const motion = new Motion(scene);
  const { map, store, bus } = scene;
  const fit = () => motion.fit();
  map.on("resize", fit);
  const ends = [
    startPulses(scene, motion),
    startFlights(scene, motion),
    startSweep(scene, motion),
    store.watch(["still", "replay"], () => motion.stop()),
    bus.on("restyled", () => void (motion.paint = colours())),
  ];
  return () => {
    for (const end of ends) end();
    map.off("resize", fit);
    motion.stop();
    motion.canvas.remove();
  };
}

/** Whether a place is on the map's screen. @param {Scene} scene @param {[number, number]} place */
export const inView = ({ map }, place) => map.getBounds().contains(place);
