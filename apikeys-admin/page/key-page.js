// The page of one key: its settings, its usage and its events.

import { ApiError } from './api.js';
import { AuditLog } from './audit-log.js';
import { slots, totals } from './chart.js';
import { h, nameOf, setText } from './dom.js';
import { DAY, HOUR } from './format.js';
import { KeyActions, expiry, rateLimit, showStatus } from './key-row.js';
import { Poll } from './poll.js';
import { UsageChart } from './usage-chart.js';

const RANGES = {
  '24h': { step: 'hour', count: 24 },
  '7d': { step: 'hour', count: 7 * 24 },
  '30d': { step: 'day', count: 30 },
  '90d': { step: 'day', count: 90 },
};

export class KeyPage {
  #app;
  #id;
  #abort = new AbortController();
  #poll = new Poll(() => this.#update(), 5);
  #stamp;

  constructor(app, id) {
    this.#app = app;
    this.#id = id;
    this.keyId = id;
    const { t } = app;
    this.heading = h('h2', { tabindex: -1 });
    this.status = h('span', { class: 'status' });
    this.facts = h('dl', { class: 'facts' });
    this.actions = new KeyActions(app, () => app.openKeys());
    this.missing = h('p', { class: 'empty', hidden: true }, t('key.missing'));
    this.chart = new UsageChart({ point: t('usage.explore'), touch: t('usage.explore-touch') });
    this.summary = h('p', { class: 'quiet', id: 'usage-summary' });
    this.tableBody = h('tbody');
    this.timeHeading = h('th', { scope: 'col' });
    this.ranges = h(
      'fieldset',
      { class: 'ranges', onchange: () => this.#load().catch(() => {}) },
      h('legend', { class: 'visually-hidden' }, t('usage.range')),
      Object.keys(RANGES).map((range) =>
        h('label', {}, h('input', { type: 'radio', name: 'range', value: range, checked: range === '24h' }), h('span', {}, t(`usage.${range}`))),
      ),
    );
    this.log = new AuditLog(app, { keyId: id, happened: () => this.#reload() });
    const legend = (kind) => h('span', {}, h('span', { class: `key-color ${kind}` }), t(`usage.${kind}`));
    this.content = h(
      'div',
      {},
      this.facts,
      this.actions.node,
      h(
        'section',
        { id: 'usage' },
        h('div', { class: 'head' }, h('h3', {}, t('usage.title')), this.ranges),
        this.summary,
        this.chart.node,
        h('p', { class: 'legend' }, legend('requests'), legend('denied')),
        h(
          'details',
          { id: 'usage-table' },
          h('summary', {}, t('usage.table')),
          h(
            'table',
            { class: 'numbers' },
            h('thead', {}, h('tr', {}, this.timeHeading, h('th', { scope: 'col' }, t('usage.requests')), h('th', { scope: 'col' }, t('usage.denied')))),
            this.tableBody,
          ),
        ),
      ),
    );
    this.content.hidden = true;
    this.node = h(
      'section',
      { id: 'key-page', 'aria-busy': true },
      h('button', { type: 'button', id: 'back', class: 'link', onclick: () => app.openKeys() }, t('key.back')),
      h('div', { class: 'head' }, this.heading, this.status),
      this.missing,
      this.content,
      h('h3', {}, t('audit.title')),
      this.log.node,
    );
  }

  enter() {
    const known = this.#app.data.key(this.#id);
    if (known) this.#show(known);
    this.#app.data.addEventListener('change', this.#changed);
    this.#poll.start();
    this.chart.enter();
    return Promise.all([this.#poll.now(), this.log.enter()]);
  }

  leave() {
    this.#app.data.removeEventListener('change', this.#changed);
    this.#poll.stop();
    this.#abort.abort();
    this.chart.leave();
    this.log.leave();
  }

  refresh() {
    return Promise.all([this.#poll.now(), this.log.refresh()]);
  }

  /** Loads the key and its usage now, because the log has shown new events of the key. */
  #reload() {
    this.#stamp = undefined;
    this.#poll.now();
  }

  /** Shows a change that was made on this page. */
  #changed = () => {
    const key = this.#app.data.key(this.#id);
    if (key) this.#show(key);
  };

  async #update() {
    try {
      const key = await this.#app.api.key(this.#id, this.#abort.signal);
      this.#show(key);
      const stamp = `${key.request_count} ${key.last_used_at} ${Math.floor(Date.now() / 30_000)}`;
      if (stamp !== this.#stamp) {
        // New events ask for another load, even if they arrive during this one.
        this.#stamp = stamp;
        try {
          await this.#load();
        } catch (error) {
          this.#stamp = undefined;
          throw error;
        }
      }
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      this.#poll.stop();
      setText(this.heading, this.#app.t('key.missing-title'));
      if (this.content.contains(this.#app.root.activeElement)) this.heading.focus();
      this.missing.hidden = false;
      this.content.hidden = true;
      this.status.textContent = '';
      this.node.removeAttribute('aria-busy');
    }
  }

  #show(key) {
    const { app, t, format } = { app: this.#app, t: this.#app.t, format: this.#app.format };
    const state = JSON.stringify(key);
    if (state === this.shown) return;
    this.shown = state;
    this.heading.replaceChildren(nameOf(key.name));
    this.log.rename([key]);
    showStatus(app, this.status, key);
    this.actions.update(key);
    const fact = (label, ...value) => h('div', {}, h('dt', {}, t(label)), h('dd', {}, ...value));
    this.facts.replaceChildren(
      fact('key.prefix', h('code', {}, key.prefix ? `${key.prefix}…` : '')),
      fact('key.created-fact', ...app.texts.nodes('key.created-by', { actor: h('bdi', {}, key.created_by), time: format.time(key.created_at) })),
      fact('column.last-used', key.last_used_at ? format.time(key.last_used_at) : t('key.never-used')),
      fact('key.requests', format.number(key.request_count)),
      fact('column.expires', ...expiry(app, key)),
      fact('column.rate-limit', ...rateLimit(app, key)),
    );
    this.content.hidden = false;
    this.node.removeAttribute('aria-busy');
  }

  /** Loads and shows the usage of the chosen range. */
  async #load() {
    const range = this.ranges.querySelector('input:checked').value;
    const { step, count } = RANGES[range];
    const now = Date.now();
    const first = slots([], step, count, now)[0].at;
    const { points } = await this.#app.api.usage(this.#id, { step, since: new Date(first).toISOString() }, this.#abort.signal);
    if (this.ranges.querySelector('input:checked').value !== range) return;
    const all = slots(points, step, count, now);
    this.#fill(all, step, range);
    this.#draw(all, step, range);
  }

  /** Shows the totals and the table of the usage. */
  #fill(all, step, range) {
    const { t, format } = this.#app;
    const { requests, denied } = totals(all);
    const values = { denied: format.number(denied), range: t(`usage.${range}`) };
    const { texts } = this.#app;
    setText(this.summary, step === 'day' ? texts.count('usage.summary-days', requests, values) : texts.count('usage.summary', requests, values));
    setText(this.timeHeading, t(step === 'day' ? 'usage.day' : 'usage.hour'));
    const used = all.filter((slot) => slot.requests || slot.denied).reverse();
    const row = (slot) =>
      h(
        'tr',
        {},
        h('th', { scope: 'row' }, this.#slotName(slot, step)),
        h('td', {}, format.number(slot.requests)),
        h('td', {}, format.number(slot.denied)),
      );
    this.tableBody.replaceChildren(
      ...(used.length ? used.map(row) : [h('tr', {}, h('td', { colspan: 3 }, t('usage.none')))]),
    );
  }

  #draw(all, step, range) {
    const { format, texts } = this.#app;
    const every = Math.ceil(all.length / 6);
    const tick = (slot, index) => {
      if (step === 'day') return index % every === Math.floor(every / 2) ? this.#slotName(slot, step) : undefined;
      const hour = new Date(slot.at).getHours();
      if (range === '24h') return hour % 6 === 0 ? format.clock(slot.at) : undefined;
      return hour === 12 ? format.dayOfMonth(slot.at) : undefined;
    };
    const describe = (slot) =>
      texts.count('usage.point', slot.requests, { time: this.#slotName(slot, step), denied: format.number(slot.denied) });
    this.chart.show(all, { label: this.summary.textContent, number: (value) => format.number(value), tick, describe });
  }

  #slotName(slot, step) {
    const { format } = this.#app;
    return step === 'day' ? format.dayOfMonth(slot.at, 'UTC') : format.hour(slot.at);
  }
}
