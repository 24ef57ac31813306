// Where I stand: by the device's own positioning, always WGS84, or by pointing at the map.

import { el } from "../core/dom.js";
import { learn, say } from "../core/words.js";

/** @typedef {{at: [number, number], accuracy_m: number | null}} Here */

learn({
  here_denied: [
    "定位被拒绝，请在地图上点选，或在设置中允许定位",
    "Positioning was refused; point at the map, or allow it in the settings",
  ],
  here_failed: ["暂时无法定位，请在地图上点选", "No position just now; point at the map"],
  here_insecure: [
    "浏览器只在 HTTPS 下提供定位，请在地图上点选",
    "A browser gives positions over HTTPS only; point at the map",
  ],
  pick_cross: ["移动地图，把十字放在现场；或直接点地图", "Move the map until the cross is on the spot, or tap the map"],
});

const WAIT_MS = 15_000;

/** @returns {Promise<Here>} */
export function whereIAm() {
  if (!window.isSecureContext || !navigator.geolocation) return Promise.reject(new Error(say("here_insecure")));
  return new Promise((done, fail) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) =>
        done({ at: [coords.longitude, coords.latitude], accuracy_m: Math.max(1, Math.round(coords.accuracy)) }),
      (error) => fail(new Error(say(error.code === error.PERMISSION_DENIED ? "here_denied" : "here_failed"))),
      { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: 10_000 },
    );
  });
}

/** The grid of a place. @param {import("../core/net.js").Net} net @param {Here} here */
export const gridOf = (net, { at, accuracy_m }) =>
  net.get("/locate", { lon: at[0], lat: at[1], crs: "wgs84", accuracy_m: accuracy_m && Math.min(accuracy_m, 100_000) });

/** @returns {any} */
const mapOf = () => /** @type {any} */ (window).gridmapView?.map ?? null;

/** Whether there is a map to point at. */
export const canPick = () => mapOf() !== null;

/**
 * Have a place pointed at: a cross stands in the middle of the map, a tap moves the map under it. `moved` is told
 * where the cross is; the function given ends it.
 * @param {(at: [number, number]) => void} moved
 */
export function startPicking(moved) {
  const map = mapOf();
  const place = map.getContainer();
  const cross = el("div", { class: "cross", role: "img", "aria-label": say("pick_cross") }, el("i"), el("i"));
  place.append(cross);
  const tell = () => {
    const { lng, lat } = map.getCenter();
    moved([Number(lng.toFixed(7)), Number(lat.toFixed(7))]);
  };
  // The page's own clicks on the map (drill down, cards) rest meanwhile.
  const tap = (/** @type {MouseEvent} */ event) => {
    if (!(event.target instanceof HTMLCanvasElement)) return;
    event.stopPropagation();
    const box = place.getBoundingClientRect();
    map.easeTo({ center: map.unproject([event.clientX - box.left, event.clientY - box.top]), duration: 200 });
  };
  place.addEventListener("click", tap, true);
  map.on("moveend", tell);
  tell();
  return () => {
    place.removeEventListener("click", tap, true);
    map.off("moveend", tell);
    cross.remove();
  };
}
