// What the service refused, in its own words and the language of the page.

import { learn, say, spoken } from "./words.js";

learn({
  unreachable: ["服务器没有应答，请检查网络后重试", "The service does not answer; check the network and try again"],
});

/** @param {unknown} error @returns {string} */
export function wordsOf(error) {
  const told = /** @type {any} */ (error);
  if (told instanceof TypeError) return say("unreachable");
  return (spoken() === "zh" && (told.detailZh ?? told.zh)) || told.message || String(told);
}

/** Whether a request was only ended by us. @param {unknown} error */
export const isEnded = (error) => /** @type {any} */ (error)?.name === "AbortError";
