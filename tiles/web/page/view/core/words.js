// The words of the page in Chinese and English. A part brings its own with `learn`; `say` gives one.
//
// An element with data-word="name" holds the word of that name, and is given the other one when the language
// changes; data-title does the same for its title and its accessible name.

/** @typedef {"zh" | "en"} Language */

/** @type {Map<string, readonly [string, string]>} */
const known = new Map();
/** @type {Language} */
let language = "zh";

/** Learn words: name -> [Chinese, English]; `{0}` is where the first value goes. @param {Record<string, readonly [string, string]>} words */
export function learn(words) {
  for (const [name, pair] of Object.entries(words)) known.set(name, pair);
}

/** A word in the language of the page. @param {string} name @param {...(string | number)} values */
export function say(name, ...values) {
  const pair = known.get(name);
  const text = pair ? pair[language === "zh" ? 0 : 1] : name;
  return text.replace(/\{(\d)\}/g, (_, place) => String(values[Number(place)] ?? ""));
}

/** Speak a language from now on. @param {Language} wanted */
export function speak(wanted) {
  language = wanted;
  document.documentElement.lang = wanted === "zh" ? "zh-CN" : "en";
  reword(document);
}

/** The language of the page. */
export const spoken = () => language;

/** Give all elements below a node their words. @param {ParentNode} node */
export function reword(node) {
  for (const each of node.querySelectorAll("[data-word]")) {
    each.textContent = say(/** @type {HTMLElement} */ (each).dataset.word ?? "");
  }
  for (const each of node.querySelectorAll("[data-title]")) {
    const text = say(/** @type {HTMLElement} */ (each).dataset.title ?? "");
    each.setAttribute("title", text);
    each.setAttribute("aria-label", text);
  }
}
