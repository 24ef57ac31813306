// A past moment on the map: what was open then, by urgency, within the boundaries that were in force that day.
//
// The slider (replay.js) tells which things were open and which edition it was; here they are drawn, and the map
// is given that edition's tiles. What is live is hidden meanwhile by the parts that draw it.

import { NOTHING, show } from "./compose.js";
import { drawEdition } from "./editions.js";
import { discs, signs } from "./marks.js";

const LAYERS = ["past-disc", "past-sign"];

/** @param {import("./scene.js").Colours} paint @returns {import("./compose.js").Piece} */
export function pastPiece(paint) {
  const disc = discs("past-disc", { source: "past" }, paint);
  const sign = signs("past-sign", { source: "past", minzoom: 12 }, paint);
  const hidden = { visibility: "none" };
  return {
    sources: { past: { type: "geojson", data: NOTHING, maxzoom: 14, buffer: 16 } },
    layers: [
      ["live", { ...disc, layout: { ...disc.layout, ...hidden } }],
      ["live", { ...sign, layout: { ...sign.layout, ...hidden } }],
    ],
  };
}

/** @param {import("./scene.js").Scene} scene */
export function startPast({ map, store, bus, container }) {
  /** @type {number | null} */ let edition = null;
  const draw = (/** @type {number | null} */ wanted) => {
    if (wanted === edition) return;
    edition = wanted;
    drawEdition(map, wanted);
  };
  const ends = [
    store.follow(["replay"], ({ replay }) => {
      show(map, LAYERS, replay !== null);
      container.toggleAttribute("data-past", replay !== null);
      if (replay === null) {
        draw(null);
        /** @type {any} */ (map.getSource("past"))?.setData(NOTHING);
      }
    }),
    bus.on("past", (/** @type {{edition: number, features: any[]}} */ said) => {
      if (store.state.replay === null) return;
      draw(said.edition === store.state.edition || !said.edition ? null : said.edition);
      /** @type {any} */ (map.getSource("past"))?.setData({ type: "FeatureCollection", features: said.features });
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}
