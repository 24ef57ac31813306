// The page: makes the parts, and gives them what they share. What each does stands in its own folder.

import { connect } from "../live.js";
import { readAddress, writeAddress } from "./core/address.js";
import { Bus } from "./core/bus.js";
import { byId } from "./core/dom.js";
import { Net, Problem } from "./core/net.js";
import { keepTime } from "./core/now.js";
import { isEnded, wordsOf } from "./core/problems.js";
import { Store } from "./core/store.js";
import { speak } from "./core/words.js";
import { startFrame } from "./core/frame.js";
import { startHeader } from "./core/header.js";
import { startToasts } from "./core/toasts.js";
import { startMap } from "./map/map.js";

/**
 * @typedef {{store: Store, bus: Bus, net: Net, root: string, config: any, drawn: Promise<void>}} Page
 *   `drawn` is kept when the first picture of the map is there: what can wait, waits for it
 */

const NARROW = matchMedia("(max-width: 700px)");
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
/** So long what can wait waits for the map at most. */
const LONGEST_MS = 6_000;
const STREAMED = ["event", "order", "notice", "device", "value", "edition", "reset", "lagging"];

/** Keep the address as the state says: a new place in it for a new area or card, the same one for the rest. @param {Store} store */
function keepAddress(store) {
  let goesBack = false;
  store.watch(["area", "card", "theme", "language", "metric", "hidden"], (state, before) => {
    const address = writeAddress(state, location.href);
    const moves = !goesBack && (state.area !== before.area || state.card?.id !== before.card?.id);
    if (address === location.href) return;
    if (moves) history.pushState(null, "", address);
    else history.replaceState(history.state, "", address);
  });
  addEventListener("popstate", () => {
    const found = readAddress(new URLSearchParams(location.search));
    goesBack = true; // an older place may lack the theme of now: it is written there, and no new one made
    store.set({ area: found.area ?? null, card: found.card ?? null });
    goesBack = false;
  });
}

/** Have the areas above the chosen one follow it; an area that is not there is left for the city. @param {Page} page */
function keepChain({ store, net, bus }) {
  /** @type {AbortController | null} */
  let asked = null;
  const read = async () => {
    const { area } = store.state;
    asked?.abort();
    if (area === null) return store.set({ chain: [] });
    asked = new AbortController();
    try {
      const { path } = await net.get(`/areas/${encodeURIComponent(area)}`, {}, asked.signal);
      store.set({ chain: path });
    } catch (error) {
      if (isEnded(error)) return;
      bus.tell("toast", { text: wordsOf(error), grave: true });
      if (error instanceof Problem && error.status < 500) store.set({ area: null });
    }
  };
  store.follow(["area", "edition"], read);
  bus.on("healed", () => store.state.chain.at(-1)?.code !== (store.state.area ?? undefined) && read());
}

/** Tell the bus what the stream says. @param {Page} page */
function keepLive({ store, bus, root }) {
  const live = connect({ base: root });
  live.onstate((link) => store.set({ link }));
  let lost = false;
  store.watch(["link"], ({ link }) => {
    if (link === "open" && lost) bus.tell("healed");
    lost = link === "waiting" || (lost && link !== "open");
  });
  live.subscribe({}, ({ kind, data }) => {
    if (kind === "hello") keepTime(data.time);
    if (kind === "hello" && data.edition) store.set({ edition: data.edition });
    if (kind === "value" && data.edition) store.set({ edition: data.edition });
    if (STREAMED.includes(kind)) bus.tell(kind, data);
  });
  return live;
}

/** What is not needed for the first picture. @param {Page} page */
async function startTheRest(page) {
  const [legend, replay, panels, cards, phone] = await Promise.all([
    import("./map/legend.js"),
    import("./map/replay.js"),
    import("./panels/panels.js"),
    import("./cards/cards.js"),
    import("./phone/phone.js"),
  ]);
  legend.startLegend(page, byId("legend"));
  replay.startReplay(page, byId("replay"));
  panels.startPanels(page, byId("left"), byId("right"));
  cards.startCards(page, byId("card"));
  phone.startPhone(page, byId("phone"));
}

async function start() {
  const root = document.body.dataset.root ?? "";
  const query = new URLSearchParams(location.search);
  const framed = query.has("embed");
  const remembered = { language: localStorage.getItem("gridmap.language"), theme: localStorage.getItem("gridmap.theme") };
  const store = new Store({
    .../** @type {any} */ (Object.fromEntries(Object.entries(remembered).filter(([, value]) => value))),
    ...readAddress(query),
    still: STILL.matches,
    phone: NARROW.matches && !framed,
  });
  const bus = new Bus();
  const net = new Net(root);
  store.follow(["theme"], ({ theme }) => void (document.documentElement.dataset.theme = theme));
  store.follow(["language"], ({ language }) => speak(language));
  store.watch(["theme", "language"], ({ theme, language }) => {
    localStorage.setItem("gridmap.theme", theme);
    localStorage.setItem("gridmap.language", language);
  });
  NARROW.addEventListener("change", () => store.set({ phone: NARROW.matches && !framed }));
  STILL.addEventListener("change", () => store.set({ still: STILL.matches }));
  startToasts(bus, byId("toasts"));
  const config = await net.get("/view/config.json");
  keepTime(config.now);
  store.set({ edition: config.edition });
  /** @type {() => void} */
  let draw = () => {};
  /** @type {Page} */
  const page = { store, bus, net, root, config, drawn: new Promise((done) => void (draw = done)) };
  startHeader(page);
  if (framed) {
    document.body.dataset.embed = "true";
    startFrame(page);
  }
  const { map } = startMap(page, byId("map"));
  map.once("load", draw);
  setTimeout(draw, LONGEST_MS);
  keepAddress(store);
  keepChain(page);
  const live = keepLive(page);
  // For tests, and for whoever looks into the page.
  Object.assign(window, { gridmapView: { store, bus, live, map } });
  await startTheRest(page);
  if (store.state.card) bus.tell("refit"); // the card has taken some of the room
  document.documentElement.dataset.ready = "true";
}

start().catch((error) => {
  const said = document.createElement("p");
  said.className = "toast grave";
  said.textContent = error.message;
  byId("toasts").append(said);
  throw error;
});
