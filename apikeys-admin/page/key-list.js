// The list of keys: the quota, the notices, the filter, the order and the table.

import { arrange, h, setText, uniqueId } from './dom.js';
import { KeyRow } from './key-row.js';
import { Poll } from './poll.js';

/** The number of rows that are shown at once. */
const ROWS = 25;
const COLUMNS = ['name', 'status', 'last-used', 'requests', 'expires', 'rate-limit', 'actions'];

const byTime = (member, missing) => (key) => (key[member] ? Date.parse(key[member]) : missing);
const ORDERS = {
  newest: undefined,
  oldest: (keys) => keys.reverse(),
  name: (keys, { collator }) => keys.sort((one, other) => collator.compare(one.name, other.name)),
  used: (keys) => sortBy(keys, byTime('last_used_at', -Infinity), -1),
  requests: (keys) => sortBy(keys, (key) => key.request_count, -1),
  expires: (keys) => sortBy(keys, byTime('expires_at', Infinity), 1),
};

function sortBy(keys, value, direction) {
  const values = new Map(keys.map((key) => [key, value(key)]));
  return keys.sort((one, other) => {
    const [first, second] = [values.get(one), values.get(other)];
    return first === second ? 0 : first < second ? -direction : direction;
  });
}

export class KeyList {
  #app;
  #rows = new Map();
  #page = 0;
  #usage;
  #closed = false;
  #abort = new AbortController();
  #poll = new Poll(() => this.#app.data.load(this.#abort.signal), 5);

  constructor(app) {
    this.#app = app;
    const { t } = app;
    this.quota = h('p', { id: 'quota' });
    this.noticeTitle = h('h3', { tabindex: -1 });
    this.noticeText = h('p');
    this.notice = h('div', { id: 'notice', class: 'notice', hidden: true }, this.noticeTitle, this.noticeText);
    this.create = h('button', { type: 'button', id: 'create', class: 'primary', onclick: () => this.#create() }, t('create.open'));
    const again = () => {
      this.#page = 0;
      this.#show();
    };
    const filterId = uniqueId();
    this.filter = h('input', { id: 'filter', type: 'search', autocomplete: 'off', 'aria-labelledby': filterId, oninput: again });
    this.sort = h(
      'select',
      { id: 'sort', onchange: again },
      Object.keys(ORDERS).map((order) => h('option', { value: order }, t(`sort.${order}`))),
    );
    this.controls = h(
      'div',
      { class: 'controls' },
      h('div', { class: 'filter' }, h('label', { for: 'filter', id: filterId }, t('filter')), this.filter),
      h('div', { class: 'filter' }, h('label', { for: 'sort' }, t('sort')), this.sort),
    );
    this.body = h('tbody', { role: 'rowgroup' });
    const heading = (column) =>
      h('th', { role: 'columnheader', scope: 'col' }, column === 'actions' ? h('span', { class: 'visually-hidden' }, t('column.actions')) : t(`column.${column}`));
    this.table = h(
      'table',
      { id: 'keys', role: 'table', 'aria-label': t('keys.title') },
      h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, COLUMNS.map(heading))),
      this.body,
    );
    this.empty = h('p', { id: 'empty', class: 'empty', hidden: true });
    this.previous = h('button', { type: 'button', id: 'pager-previous', onclick: () => this.#turn(-1) }, t('pager.previous'));
    this.next = h('button', { type: 'button', id: 'pager-next', onclick: () => this.#turn(1) }, t('pager.next'));
    this.position = h('p', { id: 'pager-position', role: 'status' });
    this.pager = h('div', { class: 'pager', hidden: true }, this.position, this.previous, this.next);
    this.moreText = h('span');
    this.more = h(
      'p',
      { id: 'more', hidden: true },
      this.moreText,
      ' ',
      h('button', { type: 'button', onclick: ({ currentTarget }) => this.#loadMore(currentTarget) }, t('keys.load-more')),
    );
    this.heading = h('h2', { tabindex: -1 }, t('keys.title'));
    this.node = h(
      'section',
      { id: 'keys-view', 'aria-busy': true },
      h('div', { class: 'head' }, this.heading, this.quota, this.create),
      this.notice,
      this.controls,
      this.table,
      this.empty,
      this.pager,
      this.more,
    );
    this.controls.hidden = true;
    this.table.hidden = true;
    app.data.addEventListener('change', () => this.#show());
    // The keys may have been loaded before the list was created.
    this.#show();
  }

  enter() {
    this.#abort = new AbortController();
    this.#poll.start();
    this.#loadUsage();
    return this.#poll.now();
  }

  leave() {
    this.#poll.stop();
    this.#abort.abort();
  }

  close() {
    this.leave();
    this.#closed = true;
    this.#usage?.close();
  }

  refresh() {
    return this.#poll.now();
  }

  focusKey(id) {
    const row = this.#rows.get(id);
    if (row?.node.isConnected) row.name.focus();
    else this.heading.focus();
  }

  #create() {
    if (this.create.getAttribute('aria-disabled')) this.noticeTitle.focus();
    else this.#app.open('form', ({ createKey }) => createKey(this.#app));
  }

  /** Loads the part that draws the small charts, which the first view does not need. */
  async #loadUsage() {
    if (this.#usage) return;
    try {
      await this.#app.shown();
      const { UsageLoader } = await this.#app.load('usage');
      if (this.#usage || this.#closed) return;
      this.#usage = new UsageLoader(this.#app.api);
      for (const row of this.#rows.values()) row.watch(this.#usage);
    } catch {
      // The page has said so. The list is usable without charts.
    }
  }

  #turn(by) {
    this.#page += by;
    this.#show();
    this.table.scrollIntoView({ block: 'start' });
    // The button that was used may be disabled now.
    if (this.previous.disabled || this.next.disabled) (this.previous.disabled ? this.next : this.previous).focus();
  }

  async #loadMore(button) {
    if (button.getAttribute('aria-disabled')) return;
    const { data, t, format } = this.#app;
    button.setAttribute('aria-disabled', 'true');
    setText(button, t('keys.loading'));
    try {
      await data.loadMore(this.#abort.signal);
      this.#app.announce(t('keys.loaded-now', { count: format.number(data.keys.length) }));
      // The button is hidden when all keys are loaded.
      if (this.more.hidden) (this.pager.hidden ? this.filter : this.next.disabled ? this.previous : this.next).focus();
    } catch {
      // The client of the API has reported the error.
    } finally {
      setText(button, t('keys.load-more'));
      button.removeAttribute('aria-disabled');
    }
  }

  /** Returns the keys that match the filter, in the chosen order. */
  #select() {
    const wanted = searchable(this.filter.value.trim());
    const keys = this.#app.data.keys.filter(
      (key) => searchable(key.name).includes(wanted) || key.prefix?.toLowerCase().startsWith(wanted),
    );
    return ORDERS[this.sort.value]?.(keys, this.#app.format) ?? keys;
  }

  #show() {
    const { data, format, t } = this.#app;
    if (!data.quota) return;
    const selected = this.#select();
    const last = Math.max(0, Math.ceil(selected.length / ROWS) - 1);
    this.#page = Math.min(Math.max(0, this.#page), last);
    const first = this.#page * ROWS;
    const shown = selected.slice(first, first + ROWS);
    const focused = this.#app.root.activeElement;
    arrange(this.body, shown.map((key) => this.#row(key).node));
    this.#forget();
    // The key of the button with the focus may be gone.
    if (focused && !focused.isConnected) this.heading.focus();

    const none = data.keys.length === 0;
    this.controls.hidden = data.keys.length < 2 && this.filter.value === '';
    this.table.hidden = shown.length === 0;
    this.empty.hidden = shown.length > 0 || (none && this.#withoutAccess());
    const loaded = { count: format.number(data.keys.length), used: format.number(data.quota.used) };
    const noMatch = data.more ? t('keys.no-match-loaded', loaded) : t('keys.no-match');
    setText(this.empty, none ? t('keys.empty') : noMatch);
    this.pager.hidden = last === 0;
    this.previous.disabled = this.#page === 0;
    this.next.disabled = this.#page === last;
    setText(
      this.position,
      t('pager.position', { first: format.number(first + 1), last: format.number(first + shown.length), count: format.number(selected.length) }),
    );
    this.more.hidden = !data.loaded || !data.more;
    setText(this.moreText, t('keys.loaded', loaded));
    this.#showQuota();
    // With many keys, a reload takes many requests.
    this.#poll.seconds = data.keys.length > 100 ? 60 : 5;
    this.node.removeAttribute('aria-busy');
  }

  #row(key) {
    let row = this.#rows.get(key.id);
    if (!row) {
      row = new KeyRow(this.#app);
      this.#rows.set(key.id, row);
    }
    row.update(key);
    if (this.#usage) row.watch(this.#usage);
    return row;
  }

  /** Forgets the rows of keys that no longer exist. */
  #forget() {
    if (this.#rows.size <= this.#app.data.keys.length) return;
    const ids = new Set(this.#app.data.keys.map((key) => key.id));
    for (const id of this.#rows.keys()) if (!ids.has(id)) this.#rows.delete(id);
  }

  #withoutAccess() {
    return this.#app.data.plan?.api_access === false;
  }

  #showQuota() {
    const { data, format, t, texts } = this.#app;
    const { used, limit } = data.quota;
    const { plan } = data;
    const withoutAccess = this.#withoutAccess();
    const full = !withoutAccess && limit !== null && used >= limit;
    setText(
      this.quota,
      limit === null || withoutAccess
        ? texts.count('quota.unlimited', used)
        : t('quota.limited', { used: format.number(used), limit: format.number(limit) }),
    );
    this.notice.hidden = !full && !withoutAccess;
    const values = {
      used: format.number(used),
      limit: format.number(limit ?? 0),
      plan: plan?.display_name,
      upgrade: plan?.upgrade_to,
    };
    if (withoutAccess) {
      this.notice.dataset.kind = 'no-access';
      setText(this.noticeTitle, t('no-access.title', values));
      const advice = plan.advice ?? t(plan.upgrade_to ? 'no-access.upgrade' : 'no-access.nowhere', values);
      setText(this.noticeText, used > 0 ? `${advice} ${t('no-access.keys')}` : advice);
    } else if (full) {
      this.notice.dataset.kind = 'full';
      setText(this.noticeTitle, t(used > limit ? 'full.over' : 'full.title', values));
      const advice = t(plan?.upgrade_to ? 'full.upgrade' : 'full.delete', values);
      setText(this.noticeText, used > limit ? `${advice} ${t('full.keep')}` : advice);
    }
    if (full || withoutAccess) this.create.setAttribute('aria-disabled', 'true');
    else this.create.removeAttribute('aria-disabled');
  }
}

function searchable(text) {
  return text.normalize('NFKC').toLowerCase();
}
