// Charts of the usage of a key.

import { svg } from './dom.js';
import { DAY, HOUR } from './format.js';

/**
 * Returns the usage of `count` hours or days, of which the last contains `now`. The API leaves out hours and days
 * without requests.
 */
export function slots(points, step, count, now = Date.now()) {
  const size = step === 'day' ? DAY : HOUR;
  const first = (Math.floor(now / size) - count + 1) * size;
  const all = Array.from({ length: count }, (_, index) => ({ at: first + index * size, requests: 0, denied: 0 }));
  for (const point of points) {
    const slot = all[Math.floor((new Date(point.at).getTime() - first) / size)];
    if (slot) {
      slot.requests += point.requests;
      slot.denied += point.denied;
    }
  }
  return all;
}

export function totals(all) {
  const sum = (member) => all.reduce((total, slot) => total + slot[member], 0);
  return { requests: sum('requests'), denied: sum('denied') };
}

/** Creates a chart of 24 hours that fits into a row. */
export function smallChart(all, label) {
  const [width, height, bar] = [96, 24, 4];
  const most = Math.max(1, ...all.map((slot) => slot.requests + slot.denied));
  const chart = svg('svg', { class: 'small-chart', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label });
  chart.append(svg('rect', { class: 'ground', x: 0, y: height - 1, width, height: 1 }));
  all.forEach((slot, index) => chart.append(...bars(slot, index * bar, bar - 1, height - 1, most)));
  return chart;
}

/** Returns the bars of a slot: the denials on top of the requests. */
function bars(slot, x, width, height, most) {
  const scaled = (value) => (value === 0 ? 0 : Math.max(1.5, (value / most) * (height - 1)));
  const requests = scaled(slot.requests);
  const denied = Math.min(scaled(slot.denied), height - Math.min(requests, height - 1.5));
  const parts = [];
  if (requests) parts.push(svg('rect', { class: 'requests', x, y: height - requests, width, height: requests }));
  if (denied) parts.push(svg('rect', { class: 'denied', x, y: Math.max(0, height - requests - denied), width, height: denied }));
  return parts;
}

/** The smallest space between two texts of a chart. */
const GAP = 8;

/**
 * Shows a chart in `area`, as wide as `area` is now. `tick` returns the text below a slot, or `undefined`. Texts that have no room are left out.
 */
export function largeChart(area, all, { label, number, tick }) {
  const width = area.clientWidth;
  const [height, bottom, top] = [200, 22, 8];
  const chart = svg('svg', { class: 'large-chart', id: 'chart', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label });
  // Only a browser that shows a text knows how wide the text is.
  area.replaceChildren(chart);
  const most = niceMaximum(Math.max(1, ...all.map((slot) => slot.requests + slot.denied)));
  const inner = height - bottom - top;
  const levels = [0, 0.5, 1].map((part) => {
    const y = top + inner * (1 - part);
    return { y, text: Number.isInteger(most * part) ? svg('text', { y: y + 4, 'text-anchor': 'end' }, number(most * part)) : undefined };
  });
  chart.append(...levels.flatMap(({ text }) => text ?? []));
  const left = Math.ceil(Math.max(...levels.map(({ text }) => text?.getComputedTextLength() ?? 0))) + GAP;
  for (const { y, text } of levels) {
    text?.setAttribute('x', left - GAP);
    chart.append(svg('line', { class: 'grid', x1: left, x2: width, y1: y, y2: y }));
  }
  const slotWidth = (width - left) / all.length;
  const barWidth = Math.max(1, slotWidth - Math.max(1, slotWidth * 0.25));
  const middle = (index) => left + (index + 0.5) * slotWidth;
  all.forEach((slot, index) => {
    const group = svg('g', { transform: `translate(0 ${top})`, 'data-slot': index });
    // The whole height of the slot can be pointed at, not only the bar.
    group.append(svg('rect', { class: 'area', x: left + index * slotWidth, y: 0, width: slotWidth, height: inner }));
    group.append(...bars(slot, middle(index) - barWidth / 2, barWidth, inner, most));
    chart.append(group);
  });
  const ticks = all.flatMap((slot, index) => {
    const text = tick(slot, index);
    return text ? svg('text', { x: middle(index), y: height - 5, 'text-anchor': 'middle' }, text) : [];
  });
  chart.append(...ticks);
  thinOut(ticks, left, width);
}

/** Removes texts that would end outside, and then as many in regular distances as needed so that none touch. */
function thinOut(texts, left, right) {
  const places = texts.map((text) => {
    const [middle, half] = [Number(text.getAttribute('x')), text.getComputedTextLength() / 2];
    return { text, from: middle - half, to: middle + half };
  });
  const inside = places.filter(({ from, to }) => from >= left && to <= right);
  let kept = inside;
  const touch = (place, index) => index > 0 && place.from < kept[index - 1].to + GAP;
  for (let every = 2; kept.some(touch); every += 1) kept = inside.filter((_, index) => index % every === 0);
  for (const place of places) if (!kept.includes(place)) place.text.remove();
}

/** Returns the smallest of 2, 4, 10, 20, 40, 100 and so on that is not less than `value`. */
function niceMaximum(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 10].map((factor) => factor * power).find((maximum) => maximum >= value && maximum >= 2);
}
