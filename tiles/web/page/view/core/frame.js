// The page in somebody else's frame (embed.js): it hears what that page wants, and tells what happens here.
//
// First it says that it listens, which is no secret; then the other page says who it is.
// Who may frame this page, the service says in its policy; such a page is listened to. It is answered at the
// origin from which it has spoken, and nobody else is told anything.

import { readAddress } from "./address.js";
import { BEGIN } from "./store.js";

/** What the other page may wish, by the names that it has in an address. */
const WISHES = { area: "area", theme: "theme", language: "lang", metric: "metric", hidden: "hide" };

/**
 * Its wishes, read as those of an address are; null is what a page begins with, nonsense is nothing.
 * @param {Record<string, unknown>} given @returns {Partial<import("./store.js").State>}
 */
function wished(given) {
  const names = /** @type {(keyof typeof WISHES)[]} */ (Object.keys(WISHES).filter((name) => name in given));
  const words = names.filter((name) => given[name] !== null && given[name] !== undefined);
  const query = new URLSearchParams(words.map((name) => [WISHES[name], String(given[name])]));
  const plain = names.filter((name) => !words.includes(name) || String(given[name]) === "");
  return { ...Object.fromEntries(plain.map((name) => [name, BEGIN[name]])), ...readAddress(query) };
}

/** @param {import("../main.js").Page} page */
export function startFrame({ store, bus, net, config }) {
  /** @type {string | null} */
  let origin = null;
  const tell = (/** @type {string} */ name, /** @type {unknown} */ detail) => {
    if (origin) parent.postMessage({ gridmap: { name, detail } }, origin);
  };
  addEventListener("message", (event) => {
    if (event.source !== parent || !event.data?.gridmap) return;
    const { hello, token, set } = event.data.gridmap;
    if (hello) {
      origin = event.origin;
      if (token) net.token = String(token);
      tell("view-ready", { edition: config.edition });
    }
    if (set && typeof set === "object") store.set(wished(set));
  });
  parent.postMessage({ gridmap: { name: "listening" } }, "*");
  store.watch(["area"], ({ area }) => tell("area-change", { code: area }));
  store.watch(["card"], ({ card }) => {
    if (card?.kind === "order") tell("order-open", { id: card.id });
  });
  bus.on("clicked", (detail) => tell("grid-click", detail));
}
