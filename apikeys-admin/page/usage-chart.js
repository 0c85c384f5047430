// The chart of a key's usage, and the line below it with the numbers of one hour or day.

import { largeChart } from './chart.js';
import { h, setText, uniqueId } from './dom.js';

/** Matches a device whose pointer, such as a finger, cannot point without touching. */
const TOUCH = '(pointer: coarse), (pointer: fine) and (hover: none)';

/** Keys that move from one slot to another, with the distance. */
const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -6, PageUp: 6, Home: -Infinity, End: Infinity };

export class UsageChart {
  #hints;
  #hintNode;
  #touch = matchMedia(TOUCH);
  #content;
  #drawn;
  #current;
  // A new chart may have another height, so it must not be drawn while sizes are observed.
  #resize = new ResizeObserver(() => requestAnimationFrame(() => this.#draw()));

  /**
   * Creates a chart without content. The line has one of the `hints` until the reader chooses a slot: `touch` on a touch
   * screen, and otherwise `point`.
   */
  constructor(hints) {
    this.#hints = hints;
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
    this.point = h('p', { class: 'quiet', id: 'usage-point' });
    this.#hintNode = h('span', { id: uniqueId(), hidden: true });
    this.area.setAttribute('aria-describedby', this.#hintNode.id);
    this.node = h('div', {}, this.area, this.point, this.#hintNode);
    this.#showHint();
  }

  /** Begins to draw the chart again when its width changes, and to show the hint for the device that is used. */
  enter() {
    this.#resize.observe(this.area);
    this.#touch.addEventListener('change', this.#showHint);
    this.#showHint();
  }

  leave() {
    this.#resize.disconnect();
    this.#touch.removeEventListener('change', this.#showHint);
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

  #onPointer({ target, pointerId }) {
    // Without this call, a finger that moves over the chart would stay at the slot that it touched first.
    if (target.hasPointerCapture?.(pointerId)) target.releasePointerCapture(pointerId);
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
    if (this.#current === undefined) this.#showHint();
    else setText(this.point, describe(all[shown]));
  }

  #showHint = () => {
    const hint = this.#touch.matches ? this.#hints.touch : this.#hints.point;
    setText(this.#hintNode, hint);
    if (this.#current === undefined) setText(this.point, hint);
  };
}
