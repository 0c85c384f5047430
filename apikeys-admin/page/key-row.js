// A row of the list of keys.

import { ApiError, ConnectionError } from './api.js';
import { h, isolated, nameOf, setText } from './dom.js';
import { DAY } from './format.js';

/** The time before the expiration from which on a key is marked. */
const SOON = 7 * DAY;

export class KeyRow {
  constructor(app) {
    this.app = app;
    this.name = h('button', { type: 'button', class: 'link', 'data-do': 'open', onclick: () => app.openKey(this.key.id) });
    this.prefix = h('code', { class: 'prefix' });
    this.created = h('p', { class: 'created' });
    this.status = h('span', { class: 'status' });
    this.lastUsed = h('span');
    this.requests = h('span', { class: 'count' });
    this.chart = h('span', { class: 'chart' });
    this.expires = h('span');
    this.limit = h('span');
    this.actions = new KeyActions(app);
    const cell = (name, ...children) =>
      h('td', { role: 'cell', 'data-cell': name, 'data-label': app.t(`column.${name}`) }, ...children);
    this.node = h(
      'tr',
      { role: 'row' },
      cell('name', this.name, h('p', {}, this.prefix), this.created),
      cell('status', this.status),
      cell('last-used', this.lastUsed),
      cell('requests', this.requests, this.chart),
      cell('expires', this.expires),
      cell('rate-limit', this.limit),
      cell('actions', this.actions.node),
    );
  }

  update(key) {
    const { app } = this;
    const { t, format } = app;
    const before = this.key;
    this.key = key;
    this.actions.update(key);
    if (before && JSON.stringify(before) === JSON.stringify(key)) return;
    this.node.dataset.key = key.id;
    this.name.replaceChildren(nameOf(key.name));
    setText(this.prefix, key.prefix ? `${key.prefix}…` : '');
    this.created.replaceChildren(
      ...app.texts.nodes('key.created', { actor: h('bdi', {}, key.created_by), time: format.time(key.created_at) }),
    );
    showStatus(app, this.status, key);
    this.lastUsed.replaceChildren(key.last_used_at ? format.time(key.last_used_at) : t('key.never-used'));
    setText(this.requests, format.number(key.request_count));
    this.expires.replaceChildren(...expiry(app, key));
    this.limit.replaceChildren(...rateLimit(app, key));
  }

  /** Draws the usage of the key as soon as it is known. */
  watch(usage) {
    usage.watch(this.chart, this.key, ({ chart, requests, denied }) => {
      const { format, t } = this.app;
      const label = this.app.texts.count('key.chart', requests, { denied: format.number(denied) });
      // The name of the chart says the period, too.
      this.chart.replaceChildren(chart(label), h('span', { class: 'period', 'aria-hidden': 'true' }, t('key.chart-period')));
    });
  }
}

export function showStatus(app, node, key) {
  node.dataset.status = key.status;
  setText(node, app.t(`status.${key.status}`));
}

/** Returns the nodes that say when the key expires. */
export function expiry(app, key) {
  const { t, format } = app;
  if (!key.expires_at) return [t('key.no-expiration')];
  const time = format.time(key.expires_at);
  const left = new Date(key.expires_at).getTime() - Date.now();
  if (left > 0 && left < SOON) {
    return [h('span', { class: 'soon' }, h('span', { class: 'visually-hidden' }, t('key.expires-soon'), ' '), time)];
  }
  return [time];
}

export function rateLimit(app, key) {
  const text = app.t('key.limit', { limit: app.format.number(key.effective_rate_limit) });
  return key.rate_limit ? [text] : [text, ' ', h('span', { class: 'quiet' }, app.t('key.limit-default'))];
}

/** The buttons of a key: edit, deactivate or activate, and delete. */
export class KeyActions {
  #busy = false;

  constructor(app, deleted) {
    this.app = app;
    const button = (action, onclick) => h('button', { type: 'button', 'data-do': action, onclick });
    this.edit = button('edit', () => app.open('form', ({ editKey }) => editKey(app, this.key)));
    this.toggle = button('deactivate', () => this.switch(!this.key.active));
    this.remove = button('delete', () => app.open('deletion', ({ deleteKey }) => deleteKey(app, this.key, deleted)));
    this.error = h('p', { class: 'error', role: 'alert', hidden: true });
    this.node = h('div', { class: 'actions' }, this.edit, this.toggle, this.remove, this.error);
  }

  update(key) {
    const renamed = this.key?.name !== key.name;
    const switched = this.key?.active !== key.active;
    this.key = key;
    this.toggle.dataset.do = key.active ? 'deactivate' : 'activate';
    const { t } = this.app;
    if (!renamed && !switched) return;
    for (const button of [this.edit, this.toggle, this.remove]) {
      const text = t(`action.${button.dataset.do}`);
      setText(button, text);
      button.setAttribute('aria-label', `${text} ${isolated(key.name)}`);
    }
  }

  /** Activates or deactivates the key. The message about it has a button that undoes this. The row shows the new state when the API has confirmed it. */
  async switch(active) {
    if (this.#busy) return;
    const { app, key, toggle } = this;
    this.#busy = true;
    this.error.hidden = true;
    toggle.setAttribute('aria-disabled', 'true');
    try {
      const changed = await app.api.update(key.id, { active });
      app.data.put(changed);
      const text = app.t(changed.active ? 'key.activated' : 'key.deactivated', { name: isolated(changed.name) });
      app.announce(text, () => this.switch(!active));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        // The row is about to go, and a text in it would go, too.
        app.announce(app.problem(error));
        app.refresh();
        return;
      }
      if (error instanceof ApiError) {
        this.error.textContent = app.problem(error);
      } else if (error instanceof ConnectionError) {
        this.error.textContent = app.t('error.change-lost');
      } else {
        throw error;
      }
      this.error.hidden = false;
    } finally {
      this.#busy = false;
      toggle.removeAttribute('aria-disabled');
    }
  }
}
