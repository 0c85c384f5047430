// Shows the secret of a new key, once.

import { openDialog } from './dialog.js';
import { h, nameOf } from './dom.js';

/**
 * Shows the secret until the reader confirms that it is stored.
 *
 * Only the nodes of the dialog hold the secret. The functions below read it from these nodes, so that nothing holds
 * the secret after the nodes have been emptied.
 */
export function showSecret(app, { key, secret }) {
  const { t } = app;
  const code = h('code', { id: 'secret', tabindex: 0, 'aria-label': t('secret.label') }, secret);
  const curl = h('code', { id: 'curl', tabindex: 0, 'aria-label': t('secret.curl-label') }, curlLine(app, secret));
  const ask = (event) => event.preventDefault();
  window.addEventListener('beforeunload', ask);
  const forget = () => {
    window.removeEventListener('beforeunload', ask);
    code.textContent = '';
    curl.textContent = '';
    app.forgetSecret = undefined;
  };
  // The element calls this function when it is removed from the page.
  app.forgetSecret = forget;
  const { name } = key;
  openDialog(app, {
    name: 'secret',
    title: t('secret.title'),
    stays: true,
    closed: forget,
    content: (handle) => [
      h('p', {}, app.texts.nodes('secret.intro', { name: nameOf(name) })),
      h('p', { class: 'warning' }, t('secret.once')),
      h('div', { class: 'copyable' }, code, copyButton(app, 'copy-secret', code)),
      h('p', { class: 'label' }, t('secret.try')),
      h('div', { class: 'copyable' }, curl, copyButton(app, 'copy-curl', curl)),
      h(
        'div',
        { class: 'buttons' },
        h('button', { type: 'button', class: 'primary', id: 'stored', onclick: () => handle.close() }, t('secret.stored')),
      ),
    ],
  }).dialog.querySelector('#copy-secret').focus();
}

function curlLine(app, secret) {
  return `curl -H "Authorization: Bearer ${secret}" ${app.serviceUrl ?? app.t('secret.placeholder-url')}`;
}

function copyButton(app, id, source) {
  const { t } = app;
  let timer;
  const button = h('button', { type: 'button', id }, t('copy'));
  button.addEventListener('click', async () => {
    const copied = await copy(app, source);
    button.textContent = t(copied ? 'copied' : 'copy-failed');
    button.classList.toggle('done', copied);
    app.announce(t(copied ? 'copied-announcement' : 'copy-failed-announcement'));
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.textContent = t('copy');
      button.classList.remove('done');
    }, 3000);
  });
  return button;
}

async function copy(app, source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    // Without HTTPS, browsers have no clipboard API. The text stays selected if this fails too.
    getSelection().selectAllChildren(source);
    return document.execCommand('copy');
  }
}
