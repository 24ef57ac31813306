// My grid: found by where I am or by a search, then its figures, and who I am in it.

import { el } from "../core/dom.js";
import { count } from "../core/format.js";
import { learn, reword, say } from "../core/words.js";
import { isIn } from "../cards/going.js";
import { isEnded, wordsOf } from "../core/problems.js";
import { figures } from "../cards/pieces.js";
import { shiftWords, term } from "../cards/terms.js";
import { beWho, who } from "../cards/who.js";
import { gridOf, whereIAm } from "./here.js";

learn({
  mine_choose: ["选择我的网格", "Choose my grid"],
  mine_here: ["用我的位置", "Where I am"],
  mine_finding: ["正在定位…", "Finding where you are…"],
  mine_search: ["或搜索网格名称、编码", "Or search its name or code"],
  mine_outside: ["此处不在任何网格内", "This place is in no grid"],
  mine_change: ["更换网格", "Change"],
  mine_card: ["网格详情", "All about it"],
  mine_who: ["我是", "I am"],
  mine_nobody: ["请选择…", "Choose…"],
  mine_other: ["其他（{0} {1}）", "somebody else ({0} {1})"],
  figure_open: ["在办", "open"],
  figure_late: ["超时", "overdue"],
  mine_none: ["没有找到", "Nothing found"],
});

const TYPED_MS = 200;
const AGAIN_MS = 5_000;

/** @param {import("./phone.js").Phone} phone @param {HTMLElement} place */
export function startGrid(phone, place) {
  const { page, mine } = phone;
  const { store, net, bus } = page;
  /** @type {any} */ let card = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let timer;
  const chooser = makeChooser(page, (grid) => {
    mine.set(grid);
    phone.show("orders");
  });
  const own = el("div", { class: "own" });
  place.append(chooser, own);

  const draw = () => {
    chooser.hidden = mine.grid !== null;
    own.hidden = mine.grid === null;
    if (!mine.grid) return;
    own.replaceChildren(
      el("h2", {}, card?.name ?? mine.grid.name),
      el(
        "p",
        { class: "quiet" },
        (card?.path ?? [])
          .slice(0, -1)
          .map((/** @type {any} */ each) => each.name)
          .join(" › "),
      ),
      card ? summary(card) : "",
      card ? whoAmI(card) : "",
      el(
        "div",
        { class: "thumbs" },
        el(
          "button",
          {
            type: "button",
            class: "big",
            onclick: () => store.set({ card: { kind: "area", id: /** @type {any} */ (mine.grid).code } }),
          },
          say("mine_card"),
        ),
        el("button", { type: "button", class: "big quietly", onclick: () => mine.set(null) }, say("mine_change")),
      ),
    );
  };
  const read = async () => {
    timer = undefined;
    const grid = mine.grid;
    if (!grid) return;
    try {
      const found = await net.get(`/cards/${encodeURIComponent(grid.code)}`);
      if (mine.grid?.code === grid.code) card = found;
    } catch (error) {
      if (/** @type {any} */ (error).status === 404) mine.set(null);
      else if (!isEnded(error)) bus.tell("toast", { text: wordsOf(error) });
    }
    draw();
  };
  const soon = () => store.state.phone && void (timer ??= setTimeout(read, AGAIN_MS));
  const ends = [
    mine.follow((grid) => {
      card = null;
      draw();
      if (grid && store.state.area !== grid.code) store.set({ area: grid.code });
      read();
    }),
    store.watch(["language"], draw),
    store.watch(["phone"], soon),
    bus.on("order", (data) => mine.grid && isIn(mine.grid.code, data) && soon()),
    () => clearTimeout(timer),
  ];
  reword(place);
  return () => ends.forEach((end) => end());
}

/** @param {any} card */
const summary = (card) =>
  figures([
    ["figure_open", count(card.orders.open)],
    ["figure_late", count(card.orders.overdue)],
    ["stock_households", count(card.stock.households)],
    ["stock_people", count(card.stock.people)],
  ]);

/** Who I am among the staff of the grid. @param {any} card */
function whoAmI(card) {
  const { role, actor } = who();
  const staff = card.staff ?? [];
  const isKnown = staff.some((/** @type {any} */ post) => post.person === actor);
  const control = el(
    "select",
    { name: "who" },
    el("option", { value: "" }, actor && !isKnown ? say("mine_other", term("role", role), actor) : say("mine_nobody")),
    ...staff.map((/** @type {any} */ post, /** @type {number} */ at) =>
      el(
        "option",
        { value: at, selected: post.person === actor },
        `${term("role", post.role)} ${post.person} · ${shiftWords(post.shift)}`,
      ),
    ),
  );
  control.addEventListener("change", () => {
    const post = staff[Number(control.value)];
    if (control.value && post) beWho({ role: post.acts_as ?? "grid_member", actor: post.person });
  });
  return el("label", { class: "field" }, el("span", {}, say("mine_who")), control);
}

/** @param {import("../main.js").Page} page @param {(grid: {code: string, name: string}) => void} chosen */
function makeChooser({ net }, chosen) {
  const said = el("p", { class: "quiet", role: "status" });
  const here = el("button", { type: "button", class: "big primary target", "data-word": "mine_here" });
  const query = el("input", { type: "search", name: "mygrid", autocomplete: "off", "data-title": "mine_search" });
  const list = el("ul", { class: "rows lines" });
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let typed;
  here.addEventListener("click", async () => {
    said.textContent = say("mine_finding");
    here.disabled = true;
    try {
      const found = await gridOf(net, await whereIAm());
      if (found.code) chosen({ code: found.code, name: found.name });
      said.textContent = found.code ? "" : say("mine_outside");
    } catch (error) {
      said.textContent = wordsOf(error);
    }
    here.disabled = false;
  });
  const search = async () => {
    const text = query.value.trim();
    if (!text) return list.replaceChildren();
    const found = await net.get("/search", { q: text, limit: 20 }).catch((/** @type {unknown} */ error) => {
      said.textContent = wordsOf(error);
      return { results: [] };
    });
    if (text !== query.value.trim()) return;
    const grids = found.results
      .filter((/** @type {any} */ each) => each.kind === "area" && each.level === "grid")
      .slice(0, 8);
    said.textContent = grids.length ? "" : say("mine_none");
    list.replaceChildren(...grids.map((/** @type {any} */ each) => resultLine(each, chosen)));
  };
  query.addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(search, TYPED_MS);
  });
  return el(
    "div",
    { class: "chooser" },
    el("h2", { "data-word": "mine_choose" }),
    here,
    said,
    el("label", { class: "field" }, el("span", { "data-word": "mine_search" }), query),
    list,
  );
}

/** @param {any} result @param {(grid: {code: string, name: string}) => void} chosen */
const resultLine = (result, chosen) =>
  el(
    "li",
    {},
    el(
      "button",
      { type: "button", class: "line", onclick: () => chosen({ code: result.code, name: result.name }) },
      el("strong", {}, result.name),
      el("small", {}, `${result.path ?? ""} ${result.code}`),
    ),
  );
