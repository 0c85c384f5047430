// The dialog that deletes a key.

import { ApiError, ConnectionError } from './api.js';
import { openDialog, sendOnce } from './dialog.js';
import { h, isolated, nameOf, uniqueId } from './dom.js';

export function deleteKey(app, key, deleted = () => {}) {
  const { t, texts } = app;
  const input = h('input', { id: uniqueId(), name: 'confirm', type: 'text', autocomplete: 'off' });
  const error = h('p', { class: 'error', role: 'alert', 'data-error': 'form', hidden: true, id: uniqueId() });
  input.setAttribute('aria-describedby', error.id);
  const button = h('button', { type: 'submit', class: 'danger', 'data-do': 'submit' }, t('delete.submit'));
  const show = (text) => {
    error.textContent = text;
    error.hidden = false;
  };

  const isConfirmed = () => normalized(input.value) === normalized(key.name);
  // The button can have the focus meanwhile, so that it can say what is missing.
  const showButton = () => {
    if (isConfirmed()) button.removeAttribute('aria-disabled');
    else button.setAttribute('aria-disabled', 'true');
  };
  input.addEventListener('input', showButton);
  showButton();

  async function submit(handle) {
    error.hidden = true;
    if (isConfirmed()) {
      input.removeAttribute('aria-invalid');
      await sendOnce(handle, button, t('delete.busy'), () => send(handle));
      showButton();
      return;
    }
    show(normalized(input.value) === '' ? t('delete.missing') : t('delete.mismatch'));
    input.setAttribute('aria-invalid', 'true');
    input.focus();
  }

  async function send(handle) {
    try {
      await app.api.remove(key.id);
    } catch (failure) {
      if (failure instanceof ConnectionError) return show(t('error.change-lost'));
      if (!(failure instanceof ApiError)) throw failure;
      // Another administrator may have deleted the key meanwhile.
      if (failure.code !== 'KEY_NOT_FOUND') return show(app.problem(failure));
    }
    app.data.remove(key.id);
    handle.close();
    deleted();
    app.announce(t('delete.done', { name: isolated(key.name) }));
  }

  openDialog(app, {
    name: 'delete',
    title: t('delete.title'),
    about: [
      h('p', {}, texts.nodes('delete.intro', { name: nameOf(key.name), prefix: h('code', {}, `${key.prefix ?? ''}…`) })),
      h('p', {}, ...usage(app, key)),
      h('p', { class: 'warning' }, t('delete.final')),
    ],
    content: (handle) => [
      h(
        'form',
        {
          novalidate: true,
          onsubmit: (event) => {
            event.preventDefault();
            submit(handle);
          },
        },
        h(
          'div',
          { class: 'field' },
          h('label', { for: input.id }, texts.nodes('delete.confirm', { name: h('bdi', { class: 'name select' }, key.name) })),
          input,
          error,
        ),
        h(
          'div',
          { class: 'buttons' },
          h('button', { type: 'button', 'data-do': 'cancel', onclick: () => handle.busy || handle.close() }, t('cancel')),
          button,
        ),
      ),
    ],
  });
  input.focus();
}

function usage(app, key) {
  if (!key.last_used_at) return [app.t('delete.never-used')];
  const requests = app.texts.count('delete.requests', key.request_count);
  return [...app.texts.nodes('delete.used', { time: app.format.time(key.last_used_at) }), ' ', requests];
}

/** Makes names comparable: people cannot see how characters are composed, or how many spaces there are. */
function normalized(name) {
  return name.normalize('NFC').replace(/\s+/gu, ' ').trim();
}
