// Today by the hour: what came as bars, what was closed as a line.

import { clock, count } from "../core/format.js";
import { learn, say } from "../core/words.js";
import { startChart } from "./chart.js";

learn({
  hours_new: ["新增", "new"],
  hours_closed: ["办结", "closed"],
  hours_unit: ["件/小时", "per hour"],
  hours_label: [
    "今日逐时趋势：新增 {0} 件，办结 {1} 件；最多在 {2} 时，{3} 件",
    "Today by the hour: {0} new, {1} closed; most at {2} o'clock: {3}",
  ],
});

/** @param {any[]} hours @param {string} name */
const sum = (hours, name) => hours.reduce((all, each) => all + each[name], 0);

/** @param {any[]} hours */
function label(hours) {
  const top = hours.reduce((best, each) => (each.new > best.new ? each : best), hours[0]);
  return say("hours_label", count(sum(hours, "new")), count(sum(hours, "closed")), top.hour, count(top.new));
}

/** @param {any[]} hours those to come have null @param {import("./chart.js").Colours} colours */
function option(hours, colours) {
  const words = { color: colours.soft, fontFamily: colours.font, fontSize: 11 };
  return {
    textStyle: words,
    grid: { left: 34, right: 10, top: 30, bottom: 22 },
    legend: {
      top: 0,
      right: 6,
      textStyle: { ...words, color: colours.ink },
      itemWidth: 14,
      itemHeight: 8,
      icon: undefined,
    },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      backgroundColor: colours.ground,
      borderColor: colours.line,
      textStyle: { color: colours.ink, fontFamily: colours.font, fontSize: 12 },
    },
    xAxis: {
      type: "category",
      data: hours.map((each) => `${each.hour}`),
      axisLabel: { ...words, interval: 3 },
      axisTick: { show: false },
      axisLine: { lineStyle: { color: colours.line } },
    },
    yAxis: {
      type: "value",
      name: say("hours_unit"),
      nameTextStyle: { ...words, align: "left", padding: [0, 0, 0, -26] },
      minInterval: 1,
      splitNumber: 3,
      axisLabel: words,
      splitLine: { lineStyle: { color: colours.line, opacity: 0.5 } },
    },
    series: [
      {
        name: say("hours_new"),
        type: "bar",
        data: hours.map((each) => each.new),
        itemStyle: { color: colours.accent, borderRadius: [2, 2, 0, 0] },
        barMaxWidth: 12,
      },
      {
        name: say("hours_closed"),
        type: "line",
        data: hours.map((each) => each.closed),
        itemStyle: { color: colours.gold },
        lineStyle: { width: 2 },
        symbol: "circle",
        symbolSize: 4,
        smooth: 0.3,
      },
    ],
  };
}

/** The hours of today; what is still to come is not a zero. @param {any} overview */
function upToNow({ by_hour: hours, as_of: moment }) {
  const hour = Number(clock(moment).slice(0, 2));
  return hours.map((/** @type {any} */ each) =>
    each.hour > hour ? { hour: each.hour, new: null, closed: null } : each,
  );
}

/** @type {import("./panels.js").Start} */
export function startHours(page, frame, feed) {
  const chart = startChart(page, frame.body, option, label);
  const stop = feed.follow((overview) => overview && chart.set(upToNow(overview)));
  return () => {
    stop();
    chart.end();
  };
}
