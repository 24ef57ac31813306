// The header: where we are, search, the state of the connection, the clock, language and theme.

import { byId, el } from "./dom.js";
import { clock } from "./format.js";
import { now } from "./now.js";
import { startSearch } from "./search.js";
import { learn, say } from "./words.js";

learn({
  skip: ["跳到统计面板", "Skip to the figures"],
  crumbs: ["所在区域", "Where you are"],
  city: ["全市", "Whole city"],
  language: ["EN 切换为英文", "中 Switch to Chinese"],
  theme: ["切换深色与浅色", "Switch between dark and light"],
  left: ["统计面板", "Figures"],
  right: ["动态面板", "What happens"],
  card: ["详情", "Details"],
  phone: ["网格员", "Grid member"],
  link_open: ["实时", "Live"],
  link_connecting: ["连接中", "Connecting"],
  link_waiting: ["连接中断，正在重连", "Connection lost, trying again"],
  link_closed: ["已断开", "Disconnected"],
});

/** @param {import("../main.js").Page} page */
export function startHeader(page) {
  const { store } = page;
  const crumbs = byId("crumbs");
  store.follow(["chain", "language"], ({ chain, area }) => {
    const steps = [{ code: null, name: say("city") }, ...chain];
    const buttons = steps.map(({ code, name }) =>
      el(
        "button",
        {
          type: "button",
          "aria-current": code === area ? "location" : null,
          onclick: () => store.set({ area: code, card: null }),
        },
        name,
      ),
    );
    crumbs.replaceChildren(...buttons);
  });
  const link = byId("link");
  store.follow(["link", "language"], (state) => {
    link.dataset.link = state.link;
    link.textContent = say(`link_${state.link}`);
  });
  const language = byId("language");
  store.follow(["language"], (state) => void (language.textContent = state.language === "zh" ? "EN" : "中"));
  language.addEventListener("click", () => store.set({ language: store.state.language === "zh" ? "en" : "zh" }));
  const theme = byId("theme");
  store.follow(["theme"], (state) => void (theme.textContent = state.theme === "dark" ? "☀" : "☾"));
  theme.addEventListener("click", () => store.set({ theme: store.state.theme === "dark" ? "light" : "dark" }));
  const time = byId("clock");
  const tick = () => void (time.textContent = clock(now()));
  tick();
  setInterval(tick, 10_000);
  startSearch(page);
}
