// Search: by name, code, address, order, or coordinates in any datum; keyboard first.

import { byId, el } from "./dom.js";
import { isEnded, wordsOf } from "./problems.js";
import { learn, reword, say } from "./words.js";

learn({
  search: ["搜索名称、编码、地址、坐标", "Search names, codes, addresses, coordinates"],
  found: ["搜索结果", "Results"],
  nothing_found: ["没有找到“{0}”", "Nothing found for “{0}”"],
  kind_area: ["区域", "area"],
  kind_building: ["建筑", "building"],
  kind_device: ["设备", "device"],
  kind_order: ["工单", "order"],
  kind_place: ["地点", "place"],
});

const WAIT_MS = 150;
const ZOOMS = { building: 17, device: 18, order: 17, place: 17 };

/** @param {import("../main.js").Page} page */
export function startSearch({ store, bus, net }) {
  const query = /** @type {HTMLInputElement} */ (byId("query"));
  const list = byId("found");
  /** @type {any[]} */
  let results = [];
  let chosen = -1;
  /** The text that the results are of; Enter before they are there goes to the first of them when they come. */
  let answered = "";
  let waits = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {AbortController | null} */
  let asked = null;
  reword(/** @type {HTMLElement} */ (byId("search")));
  store.follow(["language"], () => void (query.placeholder = say("search")));

  const close = () => {
    list.hidden = true;
    query.setAttribute("aria-expanded", "false");
    query.removeAttribute("aria-activedescendant");
    chosen = -1;
    waits = false;
  };
  const mark = (/** @type {number} */ place) => {
    chosen = place;
    [...list.children].forEach((each, at) => each.setAttribute("aria-selected", String(at === place)));
    if (place < 0) return;
    query.setAttribute("aria-activedescendant", `found-${place}`);
    list.children[place]?.scrollIntoView({ block: "nearest" });
  };
  const go = (/** @type {any} */ result) => {
    close();
    query.blur();
    if (result.kind === "area") store.set({ area: result.code, card: null });
    else if (result.kind === "place" && result.code) store.set({ card: { kind: "area", id: result.code } });
    else if (result.kind === "building" || result.kind === "order") {
      store.set({ card: { kind: result.kind, id: result.code } });
    }
    if (result.at && result.kind !== "area") bus.tell("fly", { at: result.at, zoom: ZOOMS[/** @type {keyof typeof ZOOMS} */ (result.kind)], pin: true });
  };
  const show = (/** @type {string} */ text) => {
    const lines = results.map((result, place) =>
      el(
        "li",
        { id: `found-${place}`, role: "option", "aria-selected": "false", onpointerdown: () => go(result) },
        `${result.name || result.code} `,
        el("small", {}, `${say(`kind_${result.kind}`)} ${result.code} ${result.path ?? ""}`),
      ),
    );
    list.replaceChildren(...(lines.length ? lines : [el("li", { role: "option", "aria-disabled": "true" }, say("nothing_found", text))]));
    list.hidden = false;
    query.setAttribute("aria-expanded", "true");
    mark(lines.length ? 0 : -1);
  };
  const ask = async () => {
    const text = query.value.trim();
    clearTimeout(timer);
    asked?.abort();
    if (!text) return close();
    asked = new AbortController();
    try {
      results = (await net.get("/search", { q: text, limit: 10 }, asked.signal)).results;
      answered = text;
      if (waits && results.length) return go(results[0]);
      waits = false;
      show(text);
    } catch (error) {
      if (!isEnded(error)) bus.tell("toast", { text: wordsOf(error) });
    }
  };
  query.addEventListener("input", () => {
    waits = false;
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });
  query.addEventListener("blur", close);
  query.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && results.length) mark((chosen + step + results.length) % results.length);
    else if (event.key === "Enter" && query.value.trim() !== answered) {
      waits = true;
      ask();
    } else if (event.key === "Enter" && chosen >= 0) go(results[chosen]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  byId("search").addEventListener("submit", (event) => event.preventDefault());
}
