// The name of the area in which something is, of those that the panels show anyway: no request for each row.

/**
 * Give a function from a grid's code to the name of its area one level below the chosen one.
 * @param {import("./feed.js").Feed} feed
 */
export function makeNamer(feed) {
  /** @type {readonly {code: string, name: string}[]} */
  let areas = [];
  feed.follow((overview) => {
    if (!overview) return;
    areas = overview.ranking.length ? overview.ranking : overview.area ? [overview.area] : [];
  });
  return (/** @type {string | null | undefined} */ code) =>
    code ? (areas.find((each) => code.startsWith(each.code))?.name ?? "") : "";
}
