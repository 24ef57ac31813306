// My grid: chosen once, kept in this browser.

/** @typedef {{code: string, name: string}} Grid */
/**
 * @typedef {{
 *   grid: Grid | null,
 *   set: (grid: Grid | null) => void,
 *   follow: (call: (grid: Grid | null) => void) => () => void,
 * }} Mine
 */

const KEPT = "gridmap.mine";

/** @returns {Grid | null} */
function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? "null");
    return typeof found?.code === "string" ? found : null;
  } catch {
    return null;
  }
}

/** @returns {Mine} */
export function makeMine() {
  /** @type {Set<(grid: Grid | null) => void>} */
  const calls = new Set();
  return {
    grid: kept(),
    set(grid) {
      this.grid = grid;
      if (grid) localStorage.setItem(KEPT, JSON.stringify(grid));
      else localStorage.removeItem(KEPT);
      for (const call of calls) call(grid);
    },
    follow(call) {
      calls.add(call);
      call(this.grid);
      return () => void calls.delete(call);
    },
  };
}
