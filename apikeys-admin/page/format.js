// Numbers and times in the language and the time zone of the reader.

import { h, setText, uniqueId } from './dom.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const MINUTES = { dateStyle: 'medium', timeStyle: 'short' };
const TIME = { hour: 'numeric', minute: '2-digit' };
const DAY_OF_MONTH = { month: 'short', day: 'numeric' };
const SECONDS = { ...DAY_OF_MONTH, ...TIME, second: '2-digit' };

export class Format {
  #dates = new Map();

  /** Creates a format of a language, in which `now` is the text for a moment ago. */
  constructor(language, now) {
    this.now = now;
    // The reader's own region decides how dates look, if it belongs to the language of the page.
    const regional = navigator.languages.find((tag) => tag.split('-')[0] === language) ?? language;
    this.regional = regional;
    this.plurals = new Intl.PluralRules(regional);
  }

  number(value) {
    this.numbers ??= new Intl.NumberFormat(this.regional);
    return this.numbers.format(value);
  }

  /** Returns the day and the time, with seconds and the time zone. */
  exact(time) {
    return this.#date({ ...SECONDS, year: 'numeric', timeZoneName: 'short' }, time);
  }

  /** Returns the time of an event, with the year if it is not this year. */
  event(time) {
    const date = new Date(time);
    return date.getFullYear() === new Date().getFullYear() ? this.#date(SECONDS, date) : this.exact(date);
  }

  /** Returns the day and the time of an hour. */
  hour(time) {
    return this.#date({ ...DAY_OF_MONTH, ...TIME }, time);
  }

  dayAndTime(time) {
    return this.#date(MINUTES, time);
  }

  day(time) {
    return this.#date({ dateStyle: 'medium' }, time);
  }

  /** Returns the time of the day. */
  clock(time) {
    return this.#date(TIME, time);
  }

  /** Returns the day without the year. */
  dayOfMonth(time, timeZone) {
    return this.#date({ ...DAY_OF_MONTH, timeZone }, time);
  }

  get collator() {
    return new Intl.Collator(this.regional, { numeric: true });
  }

  /** Returns how long ago a time is or how far ahead, such as `5 minutes ago`. */
  relative(time, now = Date.now()) {
    this.relatives ??= new Intl.RelativeTimeFormat(this.regional, { numeric: 'auto' });
    const distance = new Date(time).getTime() - now;
    const size = Math.abs(distance);
    // The clocks of the service and of the reader may differ by some seconds.
    if (size < 10 * SECOND) return this.now;
    if (size < MINUTE) return this.relatives.format(Math.trunc(distance / SECOND), 'second');
    if (size < HOUR) return this.relatives.format(Math.trunc(distance / MINUTE), 'minute');
    if (size < DAY) return this.relatives.format(Math.trunc(distance / HOUR), 'hour');
    if (size < 30 * DAY) return this.relatives.format(Math.round(distance / DAY), 'day');
    return this.day(time);
  }

  /** Creates a relative time, which shows the exact time when the pointer or the focus is on it. */
  time(time) {
    const node = h('time', { datetime: time, 'data-relative': true }, this.relative(time));
    const tip = h('span', { class: 'tip', role: 'tooltip', id: uniqueId() }, this.exact(time));
    const dismiss = (event) => {
      if (event.key === 'Escape') event.currentTarget.classList.add('dismissed');
    };
    const restore = (event) => event.currentTarget.classList.remove('dismissed');
    return h(
      'span',
      {
        class: 'when',
        tabindex: 0,
        'aria-describedby': tip.id,
        onkeydown: dismiss,
        onfocus: restore,
        onmouseenter: restore,
      },
      node,
      tip,
    );
  }

  /** Formats a time. Browsers take long to create a format, so each is created when it is needed first. */
  #date(options, time) {
    const key = JSON.stringify(options);
    if (!this.#dates.has(key)) this.#dates.set(key, new Intl.DateTimeFormat(this.regional, options));
    return this.#dates.get(key).format(new Date(time));
  }

  /** Updates all relative times below a node. */
  refresh(root) {
    const now = Date.now();
    for (const node of root.querySelectorAll('time[data-relative]')) {
      setText(node, this.relative(node.dateTime, now));
    }
  }
}

/** The texts of a language. */
export class Texts {
  constructor(texts, format) {
    this.texts = texts;
    this.format = format;
  }

  has(key) {
    return Object.hasOwn(this.texts, key);
  }

  /** Returns a text with the `values` in place of `{…}`. */
  t(key, values = {}) {
    return this.texts[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''));
  }

  /** Returns the text for `count`, whose key ends with `.one` or `.other`. */
  count(key, count, values = {}) {
    return this.t(this.#form(key, count), { count: this.format.number(count), ...values });
  }

  /** Returns the text for `count` as nodes. */
  countNodes(key, count, values) {
    return this.nodes(this.#form(key, count), { count: this.format.number(count), ...values });
  }

  /** Returns a text as nodes. The `values` may be nodes or texts. */
  nodes(key, values) {
    return this.texts[key].split(/\{(\w+)\}/).map((part, index) => (index % 2 ? (values[part] ?? '') : part));
  }

  #form(key, count) {
    return `${key}.${this.format.plurals.select(count) === 'one' ? 'one' : 'other'}`;
  }
}
