// Tiles that could not be had are asked for again: MapLibre itself leaves a hole where one has failed.
//
// Which sources have failed is remembered; they are read anew when the line is back, and else after some seconds,
// doubled while it goes on failing. What no source from outside has done is a fault of the page, told as one.

const AGAIN_MS = 5_000;
const LONGEST_MS = 60_000;

/** @param {import("./scene.js").Scene} scene */
export function startMending({ map, bus }) {
  /** The names of sources, and whether they lack even the list of their tiles. */
  const failed = /** @type {Map<string, boolean>} */ (new Map());
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let timer;
  let wait = AGAIN_MS;
  let mendedAt = 0;
  const mend = () => {
    mendedAt = performance.now();
    clearTimeout(timer);
    timer = undefined;
    for (const [name, wholly] of failed) {
      const source = /** @type {any} */ (map.getSource(name));
      if (!source) continue;
      if (wholly && source.setUrl) source.setUrl(source.url);
      else map.refreshTiles(name);
    }
    failed.clear();
  };
  const later = () => {
    if (timer !== undefined) return;
    if (performance.now() - mendedAt > LONGEST_MS) wait = AGAIN_MS; // what failed before has come meanwhile
    timer = setTimeout(mend, wait);
    wait = Math.min(2 * wait, LONGEST_MS);
  };
  const fail = (/** @type {any} */ event) => {
    if (!event.sourceId || event.source?.type === "geojson") return void reportError(event.error);
    failed.set(event.sourceId, !event.tile || Boolean(failed.get(event.sourceId)));
    later();
  };
  map.on("error", fail);
  const stop = bus.on("healed", () => {
    wait = AGAIN_MS;
    mend();
  });
  return () => {
    stop();
    clearTimeout(timer);
    map.off("error", fail);
  };
}
