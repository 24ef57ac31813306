// Choosing who gets an order: posts of its grid's roster, or the desk of a level above.

import { el } from "../core/dom.js";
import { learn, say } from "../core/words.js";
import { dutyWord, term } from "./terms.js";

learn({
  field_assignment: ["派给", "Give it to"],
  assign_loading: ["正在读取名册…", "Loading the roster…"],
  assign_grid: ["网格编码", "Code of a grid"],
  assign_desk: ["{0}值班席", "Desk: {0}"],
  assign_none: ["没有可派的岗位，请填写网格编码", "Nobody to choose; give the code of a grid"],
});

/**
 * @param {import("../core/net.js").Net} net
 * @param {string} code
 * @returns {Promise<{words: string, assignment: any}[]>}
 */
async function choices(net, code) {
  const card = await net.get(`/cards/${encodeURIComponent(code)}`);
  const acting = (card.staff ?? []).filter((/** @type {any} */ post) => post.acts_as);
  const posts = acting.map((/** @type {any} */ post) => ({
    words: `${term("role", post.role)} ${post.person} · ${dutyWord(post)}`,
    assignment: {
      grid: code,
      post: post.code,
      person: post.person,
      role: post.acts_as,
      level: "grid",
    },
  }));
  const desks = [...card.path].reverse().filter((area) => ["community", "town", "district"].includes(area.level));
  return [
    ...posts,
    ...desks.map((area) => ({
      words: say("assign_desk", area.name),
      assignment: { grid: code, post: `desk:${area.code}`, person: null, role: area.level, level: area.level },
    })),
  ];
}

/** @param {import("../main.js").Page} page @param {any} order @returns {import("./fields.js").Field} */
export function assignmentField({ net }, order) {
  const code = el("input", {
    type: "text",
    value: order.code ?? "",
    name: "grid",
    inputmode: "numeric",
    spellcheck: "false",
  });
  const control = el("select", { required: true, name: "assignment" });
  const status = el("small", { role: "status" });
  /** @type {{words: string, assignment: any}[]} */
  let found = [];
  const load = async () => {
    if (!code.value.trim()) return void (status.textContent = say("assign_none"));
    status.textContent = say("assign_loading");
    found = await choices(net, code.value.trim()).catch(() => []);
    control.replaceChildren(...found.map(({ words }, at) => el("option", { value: at }, words)));
    status.textContent = found.length ? "" : say("assign_none");
  };
  code.addEventListener("change", load);
  load();
  const element = el(
    "div",
    {},
    el("label", { class: "field" }, el("span", { "data-word": "assign_grid" }, say("assign_grid")), code),
    el("label", { class: "field" }, el("span", { "data-word": "field_assignment" }, say("field_assignment")), control),
    status,
  );
  return { name: "assignment", element, value: () => found[Number(control.value || 0)]?.assignment };
}
