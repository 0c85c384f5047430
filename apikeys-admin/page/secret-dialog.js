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
  // Elements with the role `code` cannot have names.
  const text = (id, label, content) => h('code', { id, role: 'group', tabindex: 0, 'aria-label': t(label) }, content);
  const code = text('secret', 'secret.label', secret);
  const curl = text('curl', 'secret.curl-label', curlLine(app, secret));
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
    about: [
      h('p', {}, app.texts.nodes('secret.intro', { name: nameOf(name) })),
      h('p', { class: 'warning' }, t('secret.once')),
    ],
    content: (handle) => [
      ...copyable(app, { id: 'copy-secret', source: code, label: t('copy-secret') }),
      h('p', { class: 'label' }, t('secret.try')),
      ...copyable(app, { id: 'copy-curl', source: curl, label: t('copy-curl') }),
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

/** Returns the nodes of a text with a button that copies it. If this fails, a line says how to copy. */
function copyable(app, { id, source, label }) {
  const { t } = app;
  let timer;
  const failed = h('p', { class: 'hint', hidden: true }, t('copy-failed'));
  const button = h('button', { type: 'button', id }, label);
  button.addEventListener('click', async () => {
    const copied = await copy(source);
    failed.hidden = copied;
    app.announce(t(copied ? 'copied-announcement' : 'copy-failed'));
    button.textContent = copied ? t('copied') : label;
    button.classList.toggle('done', copied);
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.textContent = label;
      button.classList.remove('done');
    }, 3000);
  });
  return [h('div', { class: 'copyable' }, source, button), failed];
}

async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    // Without HTTPS, browsers have no clipboard API. The text stays selected if this fails too.
    getSelection().selectAllChildren(source);
    return document.execCommand('copy');
  }
}
