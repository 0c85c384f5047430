// The audit log: filters, pages, and new events as they happen.

import { arrange, h, isolated, setText, uniqueId } from './dom.js';
import { EventItem } from './event-item.js';
import { DAY, HOUR } from './format.js';
import { Poll } from './poll.js';

const ACTIONS = [
  'request',
  'key.created',
  'key.updated',
  'key.activated',
  'key.deactivated',
  'key.deleted',
  'key.expiry_warned',
  'plan.changed',
  'audit.gap',
];
const SPANS = { hour: HOUR, day: DAY, week: 7 * DAY, month: 30 * DAY };
/** The number of events after which the list begins anew, so that the page does not grow without end. */
const MOST = 1000;

export class AuditLog {
  #app;
  #events = [];
  /** The keys of the events that were shown, by their ids. */
  #seen = new Map();
  #items = new Map();
  #happened;
  #cursor;
  #filters = {};
  #abort = new AbortController();
  #poll = new Poll(() => this.#update(), 3);

  /**
   * Creates a log. With `keyId`, the log has only the events of this key, and no filter by key. `happened` is called when new
   * events appear in a log that is shown already.
   */
  constructor(app, { keyId, happened = () => {} } = {}) {
    this.#app = app;
    this.keyId = keyId;
    this.#happened = happened;
    const { t } = app;
    this.list = h('ol', { class: 'events', 'aria-label': t('audit.list') });
    this.empty = h('p', { class: 'empty', hidden: true }, t('audit.empty'));
    this.older = h('button', { type: 'button', id: 'older', hidden: true, onclick: () => this.#loadOlder() }, t('audit.older'));
    this.node = h('section', { id: 'audit', 'aria-label': t('audit.title') }, this.#filterForm(), this.empty, this.list, this.older);
  }

  enter() {
    this.#fillKeys();
    this.#app.data.addEventListener('change', this.#onKeys);
    this.#poll.start();
    this.#loadKeys();
    return this.reload();
  }

  leave() {
    this.#poll.stop();
    this.#app.data.removeEventListener('change', this.#onKeys);
    this.#abort.abort();
  }

  refresh() {
    this.#loadKeys();
    return this.#poll.now();
  }

  /** Shows the events that match the filters, from the newest on. */
  async reload() {
    this.#abort.abort();
    this.#abort = new AbortController();
    const filters = this.#read();
    if (!filters) return;
    this.#filters = filters;
    this.list.setAttribute('aria-busy', 'true');
    this.#events = [];
    try {
      await this.#update();
    } catch {
      // The client of the API has reported the error, and the poll tries again.
    }
  }

  #filterForm() {
    const { t } = this.#app;
    const changed = () => this.reload();
    const option = (value, text) => h('option', { value }, text);
    this.key = h('select', { name: 'key_id', onchange: changed });
    this.moreKeysText = h('span', { id: uniqueId() });
    this.moreKeys = h(
      'p',
      { class: 'hint', id: 'more-keys', hidden: true },
      this.moreKeysText,
      ' ',
      h('button', { type: 'button', class: 'link', onclick: ({ currentTarget }) => this.#loadMoreKeys(currentTarget) }, t('keys.load-more')),
    );
    this.key.setAttribute('aria-describedby', this.moreKeysText.id);
    this.action = h(
      'select',
      { name: 'action', onchange: changed },
      option('', t('audit.all-actions')),
      ACTIONS.map((action) => option(action, t(`action.${action}`))),
    );
    this.time = h(
      'select',
      {
        name: 'time',
        onchange: () => {
          this.range.hidden = this.time.value !== 'range';
          changed();
        },
      },
      ['any', 'hour', 'day', 'week', 'month', 'range'].map((span) => option(span, t(`audit.time.${span}`))),
    );
    this.since = h('input', { name: 'since', type: 'datetime-local', onchange: changed });
    this.until = h('input', { name: 'until', type: 'datetime-local', onchange: changed });
    this.rangeError = h('p', { class: 'error', role: 'alert', 'data-error': 'range', hidden: true });
    this.range = h(
      'div',
      { class: 'range', hidden: true },
      labelled(t('audit.since'), this.since),
      labelled(t('audit.until'), this.until),
      this.rangeError,
    );
    return h(
      'form',
      { class: 'filters', 'aria-label': t('audit.filters'), onsubmit: (event) => event.preventDefault() },
      this.keyId ? undefined : labelled(t('audit.key'), this.key, this.moreKeys),
      labelled(t('audit.action'), this.action),
      labelled(t('audit.time'), this.time),
      this.range,
    );
  }

  /** Loads the keys for the filter, unless they are loaded. */
  #loadKeys() {
    const { data } = this.#app;
    // The client of the API reports an error, and the keys of the events are in the filter nevertheless.
    if (!this.keyId && !data.loaded) data.load().catch(() => {});
  }

  async #loadMoreKeys(button) {
    if (button.getAttribute('aria-disabled')) return;
    const { data, t, format } = this.#app;
    button.setAttribute('aria-disabled', 'true');
    try {
      await data.loadMore();
      this.#app.announce(t('keys.loaded-now', { count: format.number(data.keys.length) }));
      if (this.moreKeys.hidden) this.key.focus();
    } catch {
      // The client of the API has reported the error.
    } finally {
      button.removeAttribute('aria-disabled');
    }
  }

  /** Lists the keys in the filter: those that are loaded, and those of events, which may be deleted or not loaded. */
  #fillKeys() {
    const { data, t, format } = this.#app;
    if (this.keyId) return;
    this.moreKeys.hidden = !data.loaded || !data.more;
    const listed = { count: format.number(data.keys.length), used: format.number(data.quota?.used ?? 0) };
    setText(this.moreKeysText, this.moreKeys.hidden ? '' : t('audit.keys-listed', listed));
    const loaded = new Set(data.keys.map((key) => key.id));
    const others = [...this.#seen.values()].filter((key) => !loaded.has(key.id));
    const state = JSON.stringify([data.keys, others].map((keys) => keys.map(({ id, name, deleted }) => [id, name, deleted])));
    if (this.keysShown === state) return;
    this.keysShown = state;
    const option = (key) => h('option', { value: key.id }, key.deleted ? t('audit.deleted-key', { key: described(key) }) : described(key));
    const { value } = this.key;
    this.key.replaceChildren(h('option', { value: '' }, t('audit.all-keys')), ...data.keys.map(option));
    if (others.length > 0) this.key.append(h('optgroup', { label: t('audit.other-keys') }, others.map(option)));
    this.key.value = value;
  }

  #onKeys = () => {
    this.#fillKeys();
    this.rename(this.#app.data.keys);
  };

  /** Shows the present names of keys in all events. The API returns each event with the present name of its key. */
  rename(keys) {
    const names = new Map(keys.map(({ id, name }) => [id, name]));
    const old = ({ key }) => names.has(key?.id) && names.get(key.id) !== key.name;
    if (!this.#events.some(old)) return;
    this.#events = this.#events.map((event) => (old(event) ? { ...event, key: { ...event.key, name: names.get(event.key.id) } } : event));
    this.#show();
  }

  /** Keeps the keys of the events for the filter. */
  #noteKeys() {
    for (const { action, key } of this.#events) {
      if (!key) continue;
      const deleted = action === 'key.deleted' || Boolean(this.#seen.get(key.id)?.deleted);
      this.#seen.set(key.id, { ...key, deleted });
    }
    this.#fillKeys();
  }

  /** Shows only the events of one key. */
  showKey(key) {
    this.key.value = key.id;
    this.reload();
    this.key.focus();
  }

  #read() {
    const filters = { key_id: this.keyId ?? this.key.value, action: this.action.value, limit: 50 };
    const span = this.time.value;
    this.rangeError.hidden = true;
    if (span === 'range') {
      if (this.since.value) filters.since = new Date(this.since.value).toISOString();
      if (this.until.value) filters.until = new Date(this.until.value).toISOString();
      if (filters.since && filters.until && filters.since >= filters.until) {
        this.rangeError.textContent = this.#app.t('audit.range-error');
        this.rangeError.hidden = false;
        return undefined;
      }
    } else if (SPANS[span]) {
      filters.since = new Date(Date.now() - SPANS[span]).toISOString();
    }
    return filters;
  }

  /** Loads the newest events, and puts them before those that are shown already. */
  async #update() {
    const { signal } = this.#abort;
    const page = await this.#app.api.events(this.#filters, signal);
    if (signal.aborted) return;
    const newest = new Set(page.events.map((event) => event.id));
    const overlaps = this.#events.some((event) => newest.has(event.id));
    const known = this.#events[0]?.id;
    if (overlaps && this.#events.length < MOST) {
      this.#events = [...page.events, ...this.#events.filter((event) => !newest.has(event.id))];
    } else {
      this.#events = page.events;
      this.#cursor = page.next_cursor;
    }
    this.#show();
    this.#renameAsIn(page);
    if (known && known !== this.#events[0]?.id) this.#happened();
  }

  /** Shows the names of the keys in a page of events, which are newer than those in events that were loaded before. */
  #renameAsIn(page) {
    this.rename(page.events.flatMap(({ key }) => (key && key.name !== null ? key : [])));
  }

  async #loadOlder() {
    if (this.older.getAttribute('aria-disabled')) return;
    const { signal } = this.#abort;
    const first = this.#events.length;
    this.older.setAttribute('aria-disabled', 'true');
    try {
      const page = await this.#app.api.events({ ...this.#filters, cursor: this.#cursor }, signal);
      if (signal.aborted) return;
      const known = new Set(this.#events.map((event) => event.id));
      this.#events = [...this.#events, ...page.events.filter((event) => !known.has(event.id))];
      this.#cursor = page.next_cursor;
      this.#show();
      this.#renameAsIn(page);
      this.#items.get(this.#events[first]?.id)?.node.querySelector('summary').focus();
    } catch (error) {
      if (!signal.aborted && error.code === 'INVALID_CURSOR') await this.reload();
    } finally {
      this.older.removeAttribute('aria-disabled');
    }
  }

  #show() {
    const items = new Map();
    const onlyKey = this.keyId ? undefined : (key) => this.showKey(key);
    for (const event of this.#events) {
      const item = this.#items.get(event.id) ?? new EventItem(this.#app, event, onlyKey);
      item.update(event);
      items.set(event.id, item);
    }
    this.#items = items;
    arrange(this.list, [...items.values()].map(({ node }) => node));
    this.list.removeAttribute('aria-busy');
    this.empty.hidden = items.size > 0;
    this.older.hidden = !this.#cursor;
    this.#noteKeys();
  }
}

function labelled(text, input, extra) {
  input.id = uniqueId();
  return h('div', { class: 'filter' }, h('label', { for: input.id }, text), input, extra);
}

/** Returns the text of a key in the filter. */
function described({ id, name, prefix }) {
  const shown = isolated(name ?? id);
  return prefix ? `${shown} (${prefix}…)` : shown;
}
