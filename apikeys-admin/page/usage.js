// Loads the small charts of the rows that the reader sees, a few at a time.

import { slots, smallChart, totals } from './chart.js';

const AT_ONCE = 4;
const FRESH = 60_000;

export class UsageLoader {
  #api;
  #places = new Map();
  #known = new Map();
  #waiting = [];
  #running = 0;
  #observer = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: '50px' });
  #stop = new AbortController();

  constructor(api) {
    this.#api = api;
  }

  /**
   * Calls `draw` with the totals of the last 24 hours and a function that creates the chart, when `node` becomes visible, and
   * again after `key` was used.
   */
  watch(node, key, draw) {
    const place = this.#places.get(node);
    const stamp = `${key.id} ${key.request_count} ${key.last_used_at}`;
    if (!place) {
      this.#places.set(node, { id: key.id, stamp, draw, visible: false });
      this.#observer.observe(node);
    } else if (place.stamp !== stamp) {
      place.stamp = stamp;
      this.#request(place);
    }
  }

  close() {
    this.#stop.abort();
    this.#observer.disconnect();
    this.#places.clear();
    this.#waiting = [];
  }

  #seen(entries) {
    for (const entry of entries) {
      const place = this.#places.get(entry.target);
      if (!place) continue;
      place.visible = entry.isIntersecting;
      this.#request(place);
    }
  }

  #request(place) {
    const known = this.#known.get(place.id);
    const fresh = known && known.stamp === place.stamp && Date.now() - known.at < FRESH;
    if (!place.visible || fresh || this.#waiting.includes(place)) return;
    this.#waiting.push(place);
    this.#next();
  }

  async #next() {
    if (this.#running >= AT_ONCE) return;
    const place = this.#waiting.shift();
    if (!place) return;
    if (place.visible) {
      this.#running += 1;
      const { id, stamp } = place;
      try {
        const { points } = await this.#api.usage(id, {}, this.#stop.signal);
        this.#known.set(id, { stamp, at: Date.now() });
        const all = slots(points, 'hour', 24);
        place.draw({ chart: (label) => smallChart(all, label), ...totals(all) });
      } catch {
        // The chart stays as it is. The client of the API has reported the error.
      } finally {
        this.#running -= 1;
      }
    }
    this.#next();
  }
}
