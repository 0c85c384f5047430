// The dialogs that create and edit a key.

import { ApiError, ConnectionError } from './api.js';
import { openDialog, sendOnce } from './dialog.js';
import { h, isolated, uniqueId } from './dom.js';
import { showSecret } from './secret-dialog.js';

const PRESETS = [7, 30, 60, 90];
const LONGEST_NAME = 100;
const HIGHEST_LIMIT = 10_000;

export function createKey(app) {
  const { t } = app;
  const form = new KeyForm(app);
  openDialog(app, {
    name: 'create',
    title: t('create.title'),
    content: (handle) => [
      form.build(handle, t('create.submit'), t('create.busy'), async () => {
        const body = form.read();
        if (!body) return;
        const created = await form.send(() => app.api.create(body), 'error.create-lost');
        if (!created) return;
        app.data.put(created.key, true);
        handle.close();
        showSecret(app, created);
      }),
    ],
  });
}

export function editKey(app, key) {
  const { t } = app;
  const form = new KeyForm(app, key);
  openDialog(app, {
    name: 'edit',
    title: t('edit.title'),
    content: (handle) => [
      form.build(handle, t('edit.submit'), t('edit.busy'), async () => {
        const patch = form.read();
        if (!patch) return;
        if (Object.keys(patch).length > 0) {
          const changed = await form.send(() => app.api.update(key.id, patch), 'error.change-lost');
          if (!changed) return;
          app.data.put(changed);
          // Behind an open dialog, nobody would see the message.
          handle.close();
          app.announce(t('edit.done', { name: isolated(changed.name) }));
          return;
        }
        handle.close();
      }),
    ],
  });
}

/** The fields of a key. With a `key`, `read` returns only the members that the reader has changed. */
class KeyForm {
  constructor(app, key) {
    this.app = app;
    this.t = app.t;
    this.key = key;
  }

  build(handle, submitLabel, busyLabel, submit) {
    const { app, key, t } = this;
    this.name = h('input', { name: 'name', type: 'text', autocomplete: 'off', required: true });
    this.name.value = key?.name ?? '';
    this.expiration = h('select', { name: 'expiration', onchange: () => this.showDate() }, this.expirations());
    this.date = h('input', { name: 'date', type: 'date', min: localDate(new Date()), 'aria-label': t('form.date') });
    this.dateField = h('div', { class: 'date', hidden: true }, this.date);
    this.limit = h('input', { name: 'rate_limit', type: 'text', inputmode: 'numeric', autocomplete: 'off' });
    this.limit.value = key?.rate_limit ?? '';
    const standard = app.data.plan?.default_rate_limit ?? (key && !key.rate_limit ? key.effective_rate_limit : undefined);
    const limitHint = standard
      ? t('form.limit-hint', { limit: app.format.number(standard) })
      : t('form.limit-hint-unknown');
    this.formError = h('p', { class: 'error', role: 'alert', 'data-error': 'form', hidden: true });
    this.fields = new Map();
    const button = h('button', { type: 'submit', class: 'primary', 'data-do': 'submit' }, submitLabel);
    const form = h(
      'form',
      {
        novalidate: true,
        onsubmit: (event) => {
          event.preventDefault();
          sendOnce(handle, button, busyLabel, submit);
        },
      },
      this.field('name', t('form.name'), this.name, t('form.name-hint')),
      this.field('expires_at', t('form.expiration'), this.expiration, '', this.dateField),
      this.field('rate_limit', t('form.limit'), this.limit, limitHint),
      this.formError,
      h(
        'div',
        { class: 'buttons' },
        h('button', { type: 'button', 'data-do': 'cancel', onclick: () => handle.busy || handle.close() }, t('cancel')),
        button,
      ),
    );
    this.showDate();
    return form;
  }

  field(pointer, label, input, hint, extra) {
    input.id = uniqueId();
    const hintNode = h('p', { class: 'hint', id: uniqueId() }, hint);
    const error = h('p', { class: 'error', id: uniqueId(), 'data-error': pointer, hidden: true });
    input.setAttribute('aria-describedby', hintNode.id);
    const field = { input, error, hint: hintNode };
    this.fields.set(pointer, field);
    // An error is about the value that was sent, so it does not stay beside another value.
    const changed = () => this.clearError(field);
    return h('div', { class: 'field', oninput: changed, onchange: changed }, h('label', { for: input.id }, label), input, extra, error, hintNode);
  }

  expirations() {
    const { app, key, t } = this;
    const options = PRESETS.map((days) =>
      h('option', { value: days }, t('form.in-days', { days, date: app.format.day(endOfDay(days)) })),
    );
    options.unshift(h('option', { value: 'none' }, t('form.no-expiration')));
    if (key?.expires_at) {
      const text = key.status === 'expired' ? 'form.expired-at' : 'form.keep';
      options.unshift(h('option', { value: 'keep' }, t(text, { date: app.format.day(key.expires_at) })));
    }
    options.push(h('option', { value: 'date' }, t('form.choose-date')));
    return options;
  }

  /** Shows the field for a date, and says until when the key works, if the chosen expiration is a day. */
  showDate() {
    const { value } = this.expiration;
    const { hint } = this.fields.get('expires_at');
    hint.textContent = value === 'none' || value === 'keep' ? '' : this.t('form.expiration-hint');
    hint.hidden = hint.textContent === '';
    this.date.setAttribute('aria-describedby', hint.id);
    this.dateField.hidden = value !== 'date';
    if (!this.dateField.hidden) this.date.focus();
  }

  /** Returns the body of the request, or `undefined` after showing what is wrong. */
  read() {
    const { key, t } = this;
    this.clearErrors();
    const body = {};
    const name = this.name.value.trim();
    if (name === '') this.showError('name', t('invalid.name-missing'));
    else if ([...name].length > LONGEST_NAME) this.showError('name', t('invalid.name-long'));
    if (name !== key?.name) body.name = name;

    const expiration = this.expiration.value;
    if (expiration === 'date') {
      const [year, month, day] = this.date.value.split('-').map(Number);
      const end = new Date(year, month - 1, day, 23, 59, 59);
      if (Number.isNaN(end.getTime())) this.showError('expires_at', t('invalid.date-missing'), this.date);
      else if (end <= new Date()) this.showError('expires_at', t('invalid.expires_at'), this.date);
      else body.expires_at = end.toISOString();
    } else if (expiration === 'none') {
      if (key?.expires_at) body.expires_at = null;
    } else if (expiration !== 'keep') {
      body.expires_at = endOfDay(Number(expiration)).toISOString();
    }

    const limit = this.limit.value.trim();
    if (limit === '') {
      if (key?.rate_limit) body.rate_limit = null;
    } else if (/^\d{1,5}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= HIGHEST_LIMIT) {
      if (Number(limit) !== key?.rate_limit) body.rate_limit = Number(limit);
    } else {
      this.showError('rate_limit', t('invalid.rate_limit'));
    }
    return this.focusError() ? undefined : body;
  }

  /** Sends a request. Returns `undefined` after showing an error. `lost` is the text for a lost connection. */
  async send(request, lost) {
    try {
      return await request();
    } catch (error) {
      if (error instanceof ConnectionError) {
        this.showFormError(this.t(lost));
        this.app.refresh();
      } else if (error instanceof ApiError) {
        this.showApiError(error);
      } else {
        throw error;
      }
      return undefined;
    }
  }

  showApiError(error) {
    for (const { pointer, detail } of error.errors) {
      const member = pointer.slice(1);
      const known = `invalid.${member}`;
      const input = member === 'expires_at' && this.expiration.value === 'date' ? this.date : undefined;
      if (this.fields.has(member)) this.showError(member, this.app.texts.has(known) ? this.t(known) : detail, input);
      else this.showFormError(`${member}: ${detail}`);
    }
    if (error.errors.length === 0) this.showFormError(this.app.problem(error));
    // The list may be out of date, for example because another administrator has created the last key.
    if (error.status === 404 || error.status === 409 || error.status === 403) this.app.refresh();
    this.focusError();
  }

  showError(pointer, text, input) {
    const field = this.fields.get(pointer);
    field.error.textContent = text;
    field.error.hidden = false;
    field.invalid = input ?? field.input;
    field.invalid.setAttribute('aria-invalid', 'true');
    field.invalid.setAttribute('aria-describedby', `${field.error.id} ${field.hint.id}`);
  }

  showFormError(text) {
    this.formError.textContent = text;
    this.formError.hidden = false;
  }

  clearErrors() {
    this.formError.hidden = true;
    this.formError.textContent = '';
    for (const field of this.fields.values()) this.clearError(field);
  }

  clearError(field) {
    field.error.hidden = true;
    field.invalid?.removeAttribute('aria-invalid');
    field.invalid?.setAttribute('aria-describedby', field.hint.id);
    field.invalid = undefined;
  }

  /** Moves the focus to the first field with an error. Returns whether there is one. */
  focusError() {
    const first = [...this.fields.values()].find((field) => field.invalid);
    first?.invalid.focus();
    return Boolean(first);
  }
}

/** Returns the end of the day that is `days` after today, in the time zone of the reader. */
function endOfDay(days) {
  const date = new Date();
  date.setDate(date.getDate() + days);
  date.setHours(23, 59, 59, 0);
  return date;
}

function localDate(date) {
  const digits = (number, length) => String(number).padStart(length, '0');
  return `${digits(date.getFullYear(), 4)}-${digits(date.getMonth() + 1, 2)}-${digits(date.getDate(), 2)}`;
}
