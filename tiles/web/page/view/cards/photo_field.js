// Photos to be sent along: each goes to the service as soon as it is taken, and can be taken away again.

import { el } from "../core/dom.js";
import { learn, say } from "../core/words.js";
import { sendPhoto } from "./photos.js";
import { wordsOf } from "../core/problems.js";

learn({
  photos_add: ["拍照或选择照片", "Take or choose photos"],
  photos_sending: ["上传中…", "Sending…"],
  photos_sent: ["已上传", "Sent"],
  photos_again: ["重试", "Again"],
  photos_remove: ["移除照片 {0}", "Take photo {0} away"],
  photos_needed: ["请至少添加一张照片", "Add at least one photo"],
});

const MOST = 20;

/**
 * @typedef {{file: File, id: string | null, failure: unknown, sending: Promise<void> | null, row: HTMLElement}} Shot
 */

/**
 * @param {import("../main.js").Page} page
 * @param {boolean} isNeeded
 * @returns {import("./fields.js").Field & {clear: () => void, ids: () => string[]}}
 */
export function photoField(page, isNeeded) {
  /** @type {Shot[]} */ let shots = [];
  const input = el("input", { type: "file", accept: "image/*", multiple: true, class: "unseen", name: "photos" });
  const button = el("span", { class: "choose", "data-word": "photos_add" }, say("photos_add"));
  const list = el("ul", { class: "shots" });
  const element = el("div", { class: "field" }, el("label", {}, input, button), list);

  const draw = (/** @type {Shot} */ shot) => {
    const [, state, again] = shot.row.children;
    state.textContent = shot.id
      ? `✓ ${say("photos_sent")}`
      : shot.failure
        ? wordsOf(shot.failure)
        : say("photos_sending");
    /** @type {HTMLElement} */ (again).hidden = !shot.failure;
  };
  const send = (/** @type {Shot} */ shot) => {
    shot.failure = null;
    draw(shot);
    shot.sending = sendPhoto(page, shot.file)
      .then((id) => void (shot.id = id))
      .catch((error) => void (shot.failure = error))
      .finally(() => draw(shot));
    return shot.sending;
  };
  const remove = (/** @type {Shot} */ shot) => {
    shots = shots.filter((each) => each !== shot);
    const image = shot.row.querySelector("img");
    if (image) URL.revokeObjectURL(image.src);
    shot.row.remove();
  };
  const add = (/** @type {File} */ file) => {
    const number = shots.length + 1;
    const row = el(
      "li",
      {},
      el("img", { src: URL.createObjectURL(file), alt: say("photo", number) }),
      el("small", { role: "status" }),
      el("button", { type: "button", onclick: () => send(shot) }, say("photos_again")),
      el("button", { type: "button", "aria-label": say("photos_remove", number), onclick: () => remove(shot) }, "×"),
    );
    /** @type {Shot} */
    const shot = { file, id: null, failure: null, sending: null, row };
    shots.push(shot);
    list.append(row);
    send(shot);
  };
  input.addEventListener("change", () => {
    for (const file of [...(input.files ?? [])].slice(0, MOST - shots.length)) add(file);
    input.value = "";
  });
  const ids = () => shots.flatMap((shot) => (shot.id ? [shot.id] : []));
  return {
    name: "photos",
    element,
    ids,
    clear: () => [...shots].forEach(remove),
    async value() {
      await Promise.all(shots.map((shot) => (shot.id ? null : shot.failure ? send(shot) : shot.sending)));
      const failed = shots.find((shot) => !shot.id);
      if (failed) throw failed.failure;
      if (isNeeded && !shots.length) throw new Error(say("photos_needed"));
      return shots.length ? ids() : undefined;
    },
  };
}
