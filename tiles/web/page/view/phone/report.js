// Report an event where I stand: a place, a class, a line of text, a photo. It is sent once, however often tried.

import { el } from "../core/dom.js";
import { learn, reword, say } from "../core/words.js";
import { goTo } from "../cards/going.js";
import { photoField } from "../cards/photo_field.js";
import { wordsOf } from "../core/problems.js";
import { now } from "../core/now.js";
import { CLASSES, URGENCIES } from "../cards/terms.js";
import { urgencySign } from "../cards/signs.js";
import { who } from "../cards/who.js";
import { newId } from "./outbox.js";
import { makePlace } from "./place.js";

learn({
  report_class: ["类别", "What is it about"],
  report_urgency: ["紧急程度", "How urgent"],
  report_title: ["一句话说明", "In one line"],
  report_hint: ["例：路口井盖破损", "Such as: broken manhole cover"],
  report_text: ["补充说明", "More words"],
  report_send: ["上报", "Report"],
  report_sent: ["已上报，编号 {0}", "Reported, number {0}"],
  report_open: ["查看", "Look at it"],
  report_waiting: ["{0} 条待发送，恢复网络后自动发送（{1}）", "{0} waiting, sent when the network is back ({1})"],
  report_refused: ["未被接受：{0}", "Refused: {0}"],
  report_no_place: ["请先确定现场位置", "Say first where it is"],
  report_sending: ["正在发送…", "Sending…"],
});

const SOURCE = "grid-member";

/** @param {import("./phone.js").Phone} phone @param {HTMLElement} place */
export function startReport(phone, place) {
  const { page, outbox } = phone;
  const where = makePlace(phone);
  const classes = choices("class", CLASSES, "城市管理", (each) => el("span", { "data-word": `class.${each}` }));
  const urgencies = choices("urgency", URGENCIES, "blue", (each) => urgencySign(each));
  const title = el("input", {
    type: "text",
    name: "title",
    required: true,
    maxlength: 200,
    "data-hint": "report_hint",
    enterkeyhint: "done",
  });
  const text = el("textarea", { name: "text", rows: 2, maxlength: 8000 });
  const photos = photoField(page, false);
  const send = el("button", { type: "submit", class: "big primary", "data-word": "report_send" });
  const said = el("p", { class: "said-of", role: "status" });
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const form = el(
    "form",
    { class: "report" },
    where.element,
    el("label", { class: "field" }, el("span", { "data-word": "report_title" }), title),
    fieldset("report_class", classes),
    fieldset("report_urgency", urgencies),
    photos.element,
    el(
      "label",
      { class: "field" },
      el(
        "span",
        {},
        el("span", { "data-word": "report_text" }),
        el("small", {}, "（", el("span", { "data-word": "field_optional" }), "）"),
      ),
      text,
    ),
    problem,
    el("div", { class: "send" }, send, said),
  );
  place.append(form);
  reword(form);

  const complain = (/** @type {string} */ words) => {
    problem.hidden = !words;
    problem.textContent = words;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    complain("");
    const here = where.here();
    if (!here) return complain(say("report_no_place"));
    send.disabled = true;
    said.textContent = say("report_sending");
    try {
      outbox.send(await bodyOf(form, here, photos));
      form.reset();
      photos.clear();
    } catch (error) {
      said.textContent = "";
      complain(wordsOf(error));
    }
    send.disabled = false;
  });
  const stop = outbox.follow((told) => {
    phone.badge("report", outbox.waiting());
    if (told.kind === "waiting") said.textContent = say("report_waiting", outbox.waiting(), told.words);
    else if (told.kind === "sent") said.replaceChildren(sentWords(page, told.event));
    else {
      said.textContent = "";
      complain(say("report_refused", told.words));
      giveBack(form, told.body);
    }
  });
  const hint = page.store.follow(["language"], () => {
    title.placeholder = say("report_hint");
    urgencies.forEach((each, at) => each.querySelector(".sign")?.replaceWith(urgencySign(URGENCIES[at])));
  });
  phone.badge("report", outbox.waiting());
  return () => {
    stop();
    hint();
    where.end();
  };
}

/**
 * @param {string} name
 * @param {readonly string[]} values
 * @param {string} first
 * @param {(value: string) => Node} word
 */
const choices = (name, values, first, word) =>
  values.map((value) =>
    el("label", { class: "chip" }, el("input", { type: "radio", name, value, checked: value === first }), word(value)),
  );

/** @param {string} word @param {HTMLElement[]} content */
const fieldset = (word, content) =>
  el("fieldset", { class: "field chips" }, el("legend", { "data-word": word }), ...content);

/**
 * The event as it is sent.
 * @param {HTMLFormElement} form
 * @param {import("./here.js").Here} here
 * @param {import("../cards/fields.js").Field} photos
 */
async function bodyOf(form, here, photos) {
  const given = new FormData(form);
  const taken = await photos.value();
  const text = String(given.get("text") ?? "").trim();
  const fields = { by: who().actor || undefined, accuracy_m: here.accuracy_m ?? undefined };
  return {
    id: newId(),
    source: SOURCE,
    class: String(given.get("class")),
    urgency: String(given.get("urgency")),
    title: String(given.get("title")).trim(),
    ...(text && { text }),
    ...(taken && { photos: taken }),
    lon: here.at[0],
    lat: here.at[1],
    crs: "wgs84",
    occurred_at: new Date(now()).toISOString(),
    fields,
  };
}

/** What was refused is not lost: it stands in the form again. @param {HTMLFormElement} form @param {any} body */
function giveBack(form, body) {
  for (const name of ["title", "text"]) {
    const field = /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
    if (!field.value) field.value = body[name] ?? "";
  }
}

/** @param {import("../main.js").Page} page @param {any} event */
const sentWords = (page, event) =>
  el(
    "span",
    {},
    `✓ ${say("report_sent", event.seq)} `,
    el(
      "button",
      { type: "button", class: "link", onclick: () => goTo(page, { kind: "event", id: String(event.seq) }, event.at) },
      say("report_open"),
    ),
  );
