// The time slider: the last day, or any stored day, as it was then (GET /replay).
//
// Until somebody asks for it, it is one button. Then it reads which things were open in the period, and tells
// the map those of the moment (`past`); the moment itself stands in the store, as does that there is a past at
// all, so that whoever draws what is live rests meanwhile. While it plays it takes some steps a second.

import { el } from "../core/dom.js";
import { count, dayAndClock } from "../core/format.js";
import { wordsOf } from "../core/problems.js";
import { learn, say } from "../core/words.js";
import { nearNow, Reel } from "./reel.js";

learn({
  replay: ["回放", "Replay"],
  replay_open: ["回放过去一天", "Replay the last day"],
  replay_now: ["回到现在", "Back to now"],
  replay_play: ["播放", "Play"],
  replay_pause: ["暂停", "Pause"],
  replay_speed: ["速度", "Speed"],
  replay_day: ["日期", "Day"],
  replay_at: ["时刻", "Moment"],
  replay_past: ["历史画面", "The past"],
  replay_said: ["{0} · 未结 {1} 件 · 第 {2} 版边界", "{0} · {1} open · boundaries of edition {2}"],
  replay_much: ["内容太多，只显示一部分", "Too much to show: only a part of it"],
  replay_future: ["这一天还没有到", "That day has not come yet"],
  replay_none: ["这段时间没有记录", "Nothing is stored of that time"],
  replay_times: ["{0}/秒", "{0}/s"],
});

const STEP_MS = 250;
const DAY_MS = 86_400_000;
const CHINA_MS = 8 * 3_600_000;
/** Moments of the past that go by in a second. */
const SPEEDS = [
  { ms: 60_000, zh: "1分钟", en: "1 min" },
  { ms: 600_000, zh: "10分钟", en: "10 min" },
  { ms: 3_600_000, zh: "1小时", en: "1 h" },
];

/** @typedef {import("../main.js").Page} Page */

/** @param {Page} page @param {HTMLElement} element */
export function startReplay(page, element) {
  const { store, bus } = page;
  const reel = new Reel(page);
  const parts = controls();
  let speed = SPEEDS[1];
  /** @type {ReturnType<typeof setInterval> | undefined} */ let timer;
  const words = () => {
    reword(parts, store.state.language);
    if (store.state.replay) draw();
  };
  const draw = () => {
    const { replay } = store.state;
    parts.open.hidden = replay !== null;
    parts.bar.hidden = replay === null;
    element.toggleAttribute("data-past", replay !== null);
    if (!replay) return;
    const open = reel.at(replay.at);
    const edition = reel.editionAt(replay.at);
    bus.tell("past", { edition, features: open });
    const text = say("replay_said", dayAndClock(replay.at), count(open.length), edition);
    parts.mark.setAttribute("aria-live", replay.playing ? "off" : "polite");
    parts.mark.textContent = `${say("replay_past")} · ${text}${reel.truncated ? ` · ${say("replay_much")}` : ""}`;
    Object.assign(parts.slider, { min: String(replay.from), max: String(replay.to), value: String(replay.at) });
    parts.slider.setAttribute("aria-valuetext", text);
    parts.slider.setAttribute("aria-label", say("replay_at"));
    parts.play.textContent = replay.playing ? "❚❚" : "▶";
    parts.play.setAttribute("aria-label", say(replay.playing ? "replay_pause" : "replay_play"));
    parts.from.textContent = dayAndClock(replay.from);
    parts.to.textContent = dayAndClock(replay.to);
  };
  const go = async (/** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ at) => {
    Object.assign(parts.day, { value: dayOf(at), max: dayOf(nearNow()) });
    try {
      if (!(await reel.read(from, to))) return;
    } catch (error) {
      return bus.tell("toast", { text: wordsOf(error), grave: true });
    }
    if (!reel.things.length) bus.tell("toast", { text: say("replay_none") });
    store.set({ replay: { from, to, at, playing: false } });
  };
  const change = (/** @type {Partial<import("../core/store.js").Replay>} */ some) => {
    if (store.state.replay) store.set({ replay: { ...store.state.replay, ...some } });
  };
  const step = () => {
    const { replay } = store.state;
    if (!replay?.playing || document.hidden) return;
    const at = Math.min(replay.to, replay.at + (speed.ms * STEP_MS) / 1_000);
    change({ at, playing: at < replay.to });
  };
  const play = () => {
    const { replay } = store.state;
    if (replay) change({ playing: !replay.playing, at: replay.at >= replay.to ? replay.from : replay.at });
  };
  parts.open.addEventListener("click", async () => {
    const to = nearNow();
    await go(to - DAY_MS, to, to);
    parts.play.focus();
  });
  parts.play.addEventListener("click", play);
  parts.slider.addEventListener("input", () => change({ at: Number(parts.slider.value), playing: false }));
  parts.speed.addEventListener("change", () => void (speed = SPEEDS[Number(parts.speed.value)]));
  parts.day.addEventListener("change", () => {
    const from = Date.parse(`${parts.day.value}T00:00:00+08:00`);
    const until = (/** @type {number} */ moment) => Math.min(moment, nearNow());
    if (Number.isFinite(from) && from < nearNow()) go(from, until(from + DAY_MS), until(from + DAY_MS / 2));
    else {
      bus.tell("toast", { text: say("replay_future") });
      parts.day.value = dayOf(store.state.replay?.at ?? nearNow());
    }
  });
  parts.now.addEventListener("click", () => {
    store.set({ replay: null });
    reel.forget();
    parts.open.focus();
  });
  element.replaceChildren(parts.open, parts.bar);
  const ends = [
    store.watch(["replay"], (state, before) => {
      draw();
      const [plays, played] = [state.replay?.playing ?? false, before.replay?.playing ?? false];
      if (plays && !played) timer = setInterval(step, STEP_MS);
      if (!plays && played) clearInterval(timer);
    }),
    store.follow(["language"], words),
    () => clearInterval(timer),
  ];
  draw();
  return () => {
    for (const end of ends) end();
    element.replaceChildren();
  };
}

/** The day of a moment in China, as 2026-05-01. @param {number} moment */
const dayOf = (moment) => new Date(moment + CHINA_MS).toISOString().slice(0, 10);

/** The controls, without words yet. */
function controls() {
  const open = el("button", { type: "button", class: "replay-open" });
  const play = el("button", { type: "button", class: "replay-play" });
  const slider = el("input", { type: "range", class: "replay-slider", step: "60000" });
  const day = el("input", { type: "date", class: "replay-day" });
  const speed = el("select", { class: "replay-speed" });
  const now = el("button", { type: "button", class: "replay-now" });
  const mark = el("p", { class: "replay-mark", role: "status" });
  const [from, to] = [el("small"), el("small")];
  const line = el("div", { class: "replay-line" }, play, from, slider, to);
  const below = el("div", { class: "replay-line" }, day, speed, now);
  const bar = el("div", { class: "replay-bar", hidden: true, role: "group" }, mark, line, below);
  return { open, play, slider, day, speed, now, mark, from, to, bar };
}

/** @param {ReturnType<typeof controls>} parts @param {"zh" | "en"} language */
function reword(parts, language) {
  parts.open.textContent = `◀ ${say("replay")}`;
  parts.open.title = say("replay_open");
  parts.now.textContent = say("replay_now");
  parts.bar.setAttribute("aria-label", say("replay"));
  parts.day.setAttribute("aria-label", say("replay_day"));
  parts.speed.setAttribute("aria-label", say("replay_speed"));
  const chosen = parts.speed.value || "1";
  parts.speed.replaceChildren(
    ...SPEEDS.map((each, at) => el("option", { value: at }, say("replay_times", each[language]))),
  );
  parts.speed.value = chosen;
}
