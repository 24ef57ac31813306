// The fields that an action needs beside its note: each is an element, and a function that gives its value.

import { el } from "../core/dom.js";
import { learn, say } from "../core/words.js";
import { assignmentField } from "./assigning.js";
import { photoField } from "./photo_field.js";
import { URGENCIES, term } from "./terms.js";

/**
 * @typedef {{
 *   name: string,
 *   element: HTMLElement,
 *   value: () => any | Promise<any>,
 * }} Field  undefined where it was left empty
 */

learn({
  field_note: ["说明", "Note"],
  field_departments: ["吹哨部门（用顿号或逗号分开）", "Departments (with commas between)"],
  field_department: ["部门", "Department"],
  field_duration: ["时长", "How long"],
  field_satisfaction: ["满意度", "Satisfaction"],
  field_urgency: ["紧急程度", "Urgency"],
  field_into: ["并入工单号（如 o-17）", "Into which order (such as o-17)"],
  field_level: ["上报到", "To the level"],
  field_level_next: ["上一级", "one level up"],
  field_optional: ["选填", "optional"],
  unit_min: ["分钟", "minutes"],
  unit_h: ["小时", "hours"],
  unit_d: ["天", "days"],
  unit_wh: ["工作小时", "working hours"],
  unit_wd: ["工作日", "working days"],
  stars: ["{0} 分", "{0} of 5"],
});

const LADDER = ["microgrid", "grid", "community", "town", "district", "department"];
const KNOWN_DEPARTMENTS = [
  "城管",
  "公安",
  "消防",
  "住建",
  "民政",
  "卫健",
  "市场监管",
  "生态环境",
  "应急管理",
  "燃气公司",
  "供电公司",
  "自来水公司",
];
const PREFIX = "field-";

/** @param {string} name @param {boolean} isNeeded @param {HTMLElement} control */
export function labelled(name, isNeeded, control) {
  const word = el("span", { "data-word": `field_${name}` }, say(`field_${name}`));
  const hint = isNeeded
    ? null
    : el("small", {}, "（", el("span", { "data-word": "field_optional" }, say("field_optional")), "）");
  return el("label", { class: "field" }, el("span", {}, word, hint), control);
}

/**
 * A field by its name; null for what no person fills in.
 * @param {import("../main.js").Page} page
 * @param {any} order
 * @param {string} name
 * @param {boolean} isNeeded
 * @returns {Field | null}
 */
export function makeField(page, order, name, isNeeded) {
  if (name === "photos") return photoField(page, isNeeded);
  if (name === "assignment") return assignmentField(page, order);
  const make = MAKERS[name];
  return make ? { name, ...make(order, isNeeded) } : null;
}

/** @type {Record<string, (order: any, isNeeded: boolean) => Omit<Field, "name">>} */
const MAKERS = {
  note(_order, isNeeded) {
    const control = el("textarea", { rows: 3, maxlength: 2000, required: isNeeded, name: "note" });
    return { element: labelled("note", isNeeded, control), value: () => control.value.trim() || undefined };
  },
  departments(_order, isNeeded) {
    const id = `${PREFIX}departments`;
    const control = el("input", { type: "text", required: isNeeded, list: id, name: "departments" });
    const known = el("datalist", { id }, ...KNOWN_DEPARTMENTS.map((each) => el("option", { value: each })));
    const value = () => [...new Set(control.value.split(/[、，,;；\s]+/).filter(Boolean))];
    return { element: el("div", {}, labelled("departments", isNeeded, control), known), value };
  },
  department(order, isNeeded) {
    const owing = order.called.filter((/** @type {any} */ each) => !each.ended_at);
    const control = el(
      "select",
      { name: "department" },
      ...owing.map((/** @type {any} */ each) => el("option", {}, each.department)),
    );
    return { element: labelled("department", isNeeded, control), value: () => control.value || undefined };
  },
  duration(order, isNeeded) {
    const clock = order.clocks.findLast((/** @type {any} */ each) => each.name === "close");
    const units = clock?.hours === "working" ? ["wd", "wh"] : ["h", "d", "min"];
    const many = el("input", {
      type: "number",
      min: 1,
      max: 999,
      required: isNeeded,
      name: "duration",
      inputmode: "numeric",
    });
    const unit = el(
      "select",
      { "aria-label": say("field_duration") },
      ...units.map((each) => el("option", { value: each, "data-word": `unit_${each}` }, say(`unit_${each}`))),
    );
    const pair = el("span", { class: "pair" }, many, unit);
    return {
      element: labelled("duration", isNeeded, pair),
      value: () => (many.value ? `${Number(many.value)}${unit.value}` : undefined),
    };
  },
  satisfaction(_order, isNeeded) {
    const grades = [1, 2, 3, 4, 5].map((grade) =>
      el(
        "label",
        { class: "grade" },
        el("input", { type: "radio", name: "satisfaction", value: grade, required: isNeeded }),
        el("span", {}, say("stars", grade)),
      ),
    );
    const element = el(
      "fieldset",
      { class: "field" },
      el("legend", { "data-word": "field_satisfaction" }, say("field_satisfaction")),
      ...grades,
    );
    const value = () => {
      const chosen = /** @type {HTMLInputElement | null} */ (element.querySelector("input:checked"));
      return chosen ? Number(chosen.value) : undefined;
    };
    return { element, value };
  },
  urgency(order, isNeeded) {
    const options = URGENCIES.map((each) =>
      el(
        "option",
        { value: each, selected: each === order.urgency, "data-word": `urgency.${each}` },
        term("urgency", each),
      ),
    );
    const control = el("select", { name: "urgency" }, ...options);
    return { element: labelled("urgency", isNeeded, control), value: () => control.value };
  },
  into(_order, isNeeded) {
    const control = el("input", {
      type: "text",
      required: isNeeded,
      pattern: "o-[0-9]+",
      name: "into",
      placeholder: "o-17",
    });
    return { element: labelled("into", isNeeded, control), value: () => control.value.trim() || undefined };
  },
  level(order, isNeeded) {
    const above = LADDER.slice(LADDER.indexOf(order.level) + 1);
    const options = above.map((each) =>
      el("option", { value: each, "data-word": `level.${each}` }, term("level", each)),
    );
    const control = el(
      "select",
      { name: "level" },
      el("option", { value: "", "data-word": "field_level_next" }, say("field_level_next")),
      ...options,
    );
    return { element: labelled("level", isNeeded, control), value: () => control.value || undefined };
  },
};
