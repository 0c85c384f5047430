// Native dialogs, in which a request can be sent once at a time.

import { h, uniqueId } from './dom.js';

/**
 * Opens a modal dialog. `about` are paragraphs that screen readers read when the dialog opens. `content` receives the
 * dialog's handle and returns the nodes below.
 *
 * The handle has `close()`, and `busy`, while which the dialog stays open. With `stays`, only `close()` closes the
 * dialog. When the dialog has closed, the focus returns to the element that had it, or to the view's own place.
 */
export function openDialog(app, { name, title, about, content, stays = false, closed }) {
  const opener = app.root.activeElement;
  const id = uniqueId();
  const dialog = h('dialog', { 'data-dialog': name, 'aria-labelledby': id });
  let done = false;
  const handle = {
    dialog,
    busy: false,
    close() {
      done = true;
      dialog.close();
    },
  };
  const mayClose = () => done || (!stays && !handle.busy);
  dialog.addEventListener('cancel', (event) => {
    if (!mayClose()) event.preventDefault();
  });
  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !mayClose()) event.preventDefault();
  });
  dialog.addEventListener('close', () => {
    // A browser may close a dialog although `cancel` was prevented.
    if (!mayClose() && dialog.isConnected) {
      dialog.showModal();
      return;
    }
    dialog.remove();
    closed?.();
    if (opener?.isConnected && !opener.closest('[hidden]')) opener.focus();
    else app.focusHome();
  });
  // Screen readers speak what changes in a region that was there before, so each dialog has one from the beginning.
  const description = h('div', { id: uniqueId(), class: 'about' }, about);
  if (about) dialog.setAttribute('aria-describedby', description.id);
  dialog.append(h('h2', { id }, title), description, ...content(handle), h('p', { role: 'status', class: 'visually-hidden' }));
  app.root.append(dialog);
  dialog.showModal();
  return handle;
}

/** Sends the form of a dialog once at a time. The button shows `busyLabel` meanwhile. */
export async function sendOnce(handle, button, busyLabel, send) {
  if (handle.busy) return;
  handle.busy = true;
  const label = button.textContent;
  button.setAttribute('aria-disabled', 'true');
  button.textContent = busyLabel;
  handle.dialog.setAttribute('aria-busy', 'true');
  try {
    await send();
  } finally {
    handle.busy = false;
    handle.dialog.removeAttribute('aria-busy');
    button.removeAttribute('aria-disabled');
    button.textContent = label;
  }
}
