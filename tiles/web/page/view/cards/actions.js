// What may be done to an order next: who acts, a button for each action, the fields that the chosen one needs.
//
// An order may change while somebody is typing. Then the buttons are drawn anew, and the form stays as it is:
// it acts on what is shown by then (If-Match has that version). A refusal is said in the service's own words.

import { el } from "../core/dom.js";
import { learn, reword, say } from "../core/words.js";
import { makeField } from "./fields.js";
import { wordsOf } from "../core/problems.js";
import { GRAVE, nextOf, offered, readTable, wantsOf } from "./table.js";
import { holderWord, term } from "./terms.js";
import { beWho, who } from "./who.js";

/**
 * @typedef {{
 *   element: HTMLElement,
 *   update: (order: any) => void,
 *   choose: (action: string) => void,
 *   escape: () => boolean,
 * }} Actions
 */

learn({
  actions: ["办理", "Act"],
  actions_role: ["角色", "Role"],
  actions_actor: ["人员编号", "Person"],
  actions_as: ["以承办人身份：{0} {1}", "As the assignee: {0} {1}"],
  actions_none: ["该角色此刻没有可做的操作", "This role can do nothing now"],
  actions_who: ["请先填写人员编号", "Say first who acts"],
  actions_send: ["确定", "Send"],
  actions_cancel: ["取消", "Cancel"],
  actions_done: ["已{0}", "Done: {0}"],
  actions_gone: [
    "此单已变化，当前不能{0}；所填内容保留",
    "The order has changed: “{0}” is not possible now; what you wrote is kept",
  ],
});

/** @param {import("../main.js").Page} page @param {{onacted: () => void, hasWho?: boolean}} given @returns {Actions} */
export function makeActions(page, { onacted, hasWho = true }) {
  /** @type {any} */ let order = null;
  /** @type {{action: string, form: HTMLFormElement} | null} */ let open = null;
  const roles = el("select", { name: "role", onchange: () => beWho({ role: roles.value }) });
  const actor = el("input", { type: "text", name: "actor", maxlength: 100, autocomplete: "off", value: who().actor });
  const as = el("button", { type: "button", class: "link" });
  const buttons = el("div", { class: "actions", role: "group", "data-title": "actions" });
  const said = el("p", { class: "problem", role: "alert", hidden: true });
  const done = el("p", { class: "quiet", role: "status" });
  const holder = el("div");
  const identity = el(
    "div",
    { class: "who", hidden: !hasWho },
    el("label", { class: "field" }, el("span", { "data-word": "actions_role" }), roles),
    el("label", { class: "field" }, el("span", { "data-word": "actions_actor" }), actor),
    as,
  );
  const element = el(
    "section",
    { class: "piece act" },
    hasWho && el("h3", { "data-word": "actions" }),
    identity,
    buttons,
    holder,
    said,
    done,
  );
  reword(element);
  actor.addEventListener("change", () => beWho({ actor: actor.value.trim() }));

  const tell = (/** @type {string} */ problem, /** @type {string} */ good = "") => {
    said.hidden = !problem;
    said.textContent = problem;
    done.textContent = good;
  };
  const close = () => {
    const had = holder.contains(document.activeElement) ? open?.action : null;
    open = null;
    holder.replaceChildren();
    if (!had) return;
    const next = buttons.querySelector(`[data-action="${had}"]`) ?? buttons.querySelector("button") ?? actor;
    /** @type {HTMLElement} */ (next).focus();
  };
  const act = async (/** @type {string} */ action, /** @type {Record<string, any>} */ args) => {
    if (!who().actor) {
      tell(say("actions_who"));
      return actor.focus();
    }
    const { id, version } = order;
    try {
      const body = { action, ...who(), ...args };
      await page.net.post(`/orders/${encodeURIComponent(id)}/actions`, body, { "If-Match": `"${version}"` });
      close();
      tell("", say("actions_done", term("action", action)));
    } catch (error) {
      tell(wordsOf(error));
    }
    onacted();
  };
  const show = async (/** @type {string} */ action) => {
    tell("");
    const table = await readTable(page.net).catch((error) => void tell(wordsOf(error)));
    if (!table) return;
    const { needs, may } = wantsOf(table, order, action);
    if (!needs.length && !may.length) {
      close();
      return act(action, {});
    }
    const form = makeForm(page, order, action, { needs, may }, act, close, tell);
    open = { action, form };
    holder.replaceChildren(form);
    /** @type {HTMLElement | null} */ (form.querySelector("textarea, input, select"))?.focus();
  };
  const draw = () => {
    const allowed = offered(Array.isArray(order.allowed_actions) ? order.allowed_actions : []);
    const first = nextOf(allowed);
    const made = allowed.map((action) => {
      const name = action === first ? "primary" : GRAVE.has(action) ? "grave" : null;
      return el(
        "button",
        { type: "button", class: name, "data-action": action, onclick: () => show(action) },
        term("action", action),
      );
    });
    const focused = buttons.contains(document.activeElement)
      ? /** @type {HTMLElement} */ (document.activeElement).dataset.action
      : null;
    buttons.replaceChildren(...(made.length ? made : [el("p", { class: "quiet" }, say("actions_none"))]));
    if (focused)
      /** @type {HTMLElement | null} */ (
        buttons.querySelector(`[data-action="${focused}"]`) ?? buttons.querySelector("button")
      )?.focus();
    drawWho();
    if (!open) return;
    const isPossible = allowed.includes(open.action);
    const send = /** @type {HTMLButtonElement | null} */ (open.form.querySelector("[type=submit]"));
    if (send) send.disabled = !isPossible;
    if (!isPossible) tell(say("actions_gone", term("action", open.action)));
  };
  const drawWho = () => {
    const { role } = who();
    const known = [
      "grid_member",
      "grid_leader",
      "microgrid_leader",
      "instructor",
      "community",
      "town",
      "district",
      "department",
    ];
    const all = [...known, "dispatcher", "verifier", "supervisor", "resident"];
    roles.replaceChildren(
      ...all.map((each) => el("option", { value: each, selected: each === role }, term("role", each))),
    );
    if (document.activeElement !== actor) actor.value = who().actor;
    const [has] = order.assignees;
    const person = has?.person ?? has?.post;
    as.hidden = !has || (has.role === role && person === who().actor);
    as.textContent = has ? say("actions_as", term("role", has.role), holderWord(has)) : "";
    as.onclick = () => beWho({ role: has.role, actor: person });
  };
  return {
    element,
    update(given) {
      order = given;
      draw();
    },
    choose: (action) => void show(action),
    escape() {
      if (!open) return false;
      close();
      tell("");
      return true;
    },
  };
}

/**
 * @param {import("../main.js").Page} page
 * @param {any} order
 * @param {string} action
 * @param {{needs: string[], may: string[]}} wants
 * @param {(action: string, args: Record<string, any>) => Promise<void>} act
 * @param {() => void} close
 * @param {(text: string) => void} tell
 */
function makeForm(page, order, action, { needs, may }, act, close, tell) {
  const fields = [...needs, ...may].flatMap((name) => makeField(page, order, name, needs.includes(name)) ?? []);
  const send = el("button", { type: "submit", class: "primary", "data-word": "actions_send" });
  const cancel = el("button", { type: "button", "data-word": "actions_cancel", onclick: close });
  const title = el("h4", { "data-word": `action.${action}` });
  const form = el(
    "form",
    { class: "act-form" },
    title,
    ...fields.map((each) => each.element),
    el("div", { class: "pair" }, send, cancel),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      /** @type {Record<string, any>} */
      const args = {};
      for (const field of fields) {
        const value = await field.value();
        if (value !== undefined) args[field.name] = value;
      }
      await act(action, args);
    } catch (error) {
      tell(wordsOf(error));
    }
    send.disabled = false;
  });
  reword(form);
  return form;
}
