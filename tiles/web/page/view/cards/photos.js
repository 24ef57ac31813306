// Photos: thumbnails of those that are kept, and sending new ones, made smaller first: a phone's picture has
// twelve million points, and somebody stands in the rain while it is sent.

import { el } from "../core/dom.js";
import { learn, say } from "../core/words.js";

learn({
  photo: ["照片 {0}", "Photo {0}"],
  photo_gone: ["照片已删除", "Photo erased"],
});

const LONGEST = 1_920;
const QUALITY = 0.85;
/** Files below this are sent as they are. */
const SMALL_BYTES = 400_000;
const TAKEN = ["image/jpeg", "image/png", "image/webp"];

/** @param {import("../main.js").Page} page @param {readonly string[]} photos ids of attachments */
export function photoStrip({ root }, photos) {
  return el("ul", { class: "photos" }, ...photos.map((id, at) => el("li", {}, thumbnail(root, id, at + 1))));
}

/** @param {string} root @param {string} id @param {number} number */
function thumbnail(root, id, number) {
  const address = `${root}/attachments/${encodeURIComponent(id)}`;
  const image = el("img", { src: address, alt: say("photo", number), loading: "lazy", decoding: "async" });
  const link = el("a", { href: address, target: "_blank", rel: "noopener" }, image);
  image.addEventListener("error", () => link.replaceWith(el("span", { class: "gone" }, say("photo_gone"))));
  return link;
}

/**
 * A photo with fewer points, as JPEG; the file itself where that cannot be done.
 * @param {File} file
 * @returns {Promise<Blob>}
 */
async function smaller(file) {
  if (file.size <= SMALL_BYTES && TAKEN.includes(file.type)) return file;
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
    const canvas = el("canvas", { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    const blob = await new Promise((/** @type {(made: Blob | null) => void} */ done) =>
      canvas.toBlob(done, "image/jpeg", QUALITY),
    );
    return blob ?? file;
  } catch {
    return file;
  }
}

/**
 * Keep a photo with the service; gives its id.
 * @param {import("../main.js").Page} page
 * @param {File} file
 * @returns {Promise<string>}
 */
export async function sendPhoto({ net }, file) {
  const body = await smaller(file);
  const kept = await net.ask("/attachments", {
    method: "POST",
    body,
    headers: { "Content-Type": body.type || "image/jpeg" },
  });
  return kept.id;
}
