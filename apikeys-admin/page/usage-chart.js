// The chart of a key's usage, and the line below it with the numbers of one hour or day.

import { largeChart } from './chart.js';
import { h, setText, uniqueId } from './dom.js';

/** Keys that move from one slot to another, with the distance. */
const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -6, PageUp: 6, Home: -Infinity, End: Infinity };

export class UsageChart {
  #hint;
  #content;
  #drawn;
  #current;
  // A new chart may have another height, so it must not be drawn while sizes are observed.
  #resize = new ResizeObserver(() => requestAnimationFrame(() => this.#draw()));

  /** Creates a chart without content. `hint` is the text of the line until the reader chooses a slot. */
  constructor(hint) {
    this.#hint = hint;
    // Screen readers speak the text of the value when a key changes it.
    this.area = h('div', {
      class: 'chart-area',
      role: 'slider',
      tabindex: 0,
      'aria-readonly': 'true',
      'aria-valuemin': 1,
      onkeydown: (event) => this.#onKey(event),
      onfocus: () => this.#choose(this.#current ?? Infinity),
      onblur: () => this.#choose(undefined),
      onpointermove: (event) => this.#onPointer(event),
      onpointerdown: (event) => this.#onPointer(event),
      onpointerleave: ({ pointerType }) => pointerType === 'mouse' && this.#choose(undefined),
    });
    this.point = h('p', { class: 'quiet', id: 'usage-point' }, hint);
    const hintNode = h('span', { id: uniqueId(), hidden: true }, hint);
    this.area.setAttribute('aria-describedby', hintNode.id);
    this.node = h('div', {}, this.area, this.point, hintNode);
  }

  /** Begins to draw the chart again when its width changes. */
  enter() {
    this.#resize.observe(this.area);
  }

  leave() {
    this.#resize.disconnect();
  }

  /** Shows the slots. The other members of `content` are those of `largeChart`. */
  show(all, content) {
    this.#content = { all, ...content };
    this.#draw();
  }

  #draw() {
    const width = this.area.clientWidth;
    // The chart is drawn as soon as it is shown.
    if (!this.#content || width === 0 || (this.#drawn?.content === this.#content && this.#drawn.width === width)) return;
    this.#drawn = { content: this.#content, width };
    const { all, label } = this.#content;
    largeChart(this.area, all, this.#content);
    this.area.setAttribute('aria-label', label);
    this.area.setAttribute('aria-valuemax', all.length);
    this.#choose(this.#current);
  }

  #onKey(event) {
    const step = STEPS[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const last = (this.#content?.all.length ?? 1) - 1;
    this.#choose((this.#current ?? last) + step);
  }

  #onPointer({ target }) {
    const group = target.closest?.('[data-slot]');
    if (group) this.#choose(Number(group.dataset.slot));
  }

  /** Shows the numbers of a slot, or the hint. */
  #choose(index) {
    if (!this.#content) return;
    const { all, describe } = this.#content;
    const last = all.length - 1;
    this.#current = index === undefined ? undefined : Math.min(Math.max(0, index), last);
    const shown = this.#current ?? last;
    for (const group of this.area.querySelectorAll('[data-slot]')) {
      group.classList.toggle('current', Number(group.dataset.slot) === this.#current);
    }
    this.area.setAttribute('aria-valuenow', shown + 1);
    this.area.setAttribute('aria-valuetext', describe(all[shown]));
    setText(this.point, this.#current === undefined ? this.#hint : describe(all[shown]));
  }
}
