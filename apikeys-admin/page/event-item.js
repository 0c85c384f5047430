// A line of the audit log, which the reader can open.

import { h, setText, uniqueId, visible } from './dom.js';
import { sentence, tone } from './event-text.js';

export class EventItem {
  #app;
  #event;
  #raw;

  /** Creates a line. `onlyKey` is called when the reader wants to see the events of the key, and may be `undefined`. */
  constructor(app, event, onlyKey) {
    this.#app = app;
    this.sentence = h('span', { class: 'sentence', id: uniqueId() });
    const ip = event.request?.ip;
    const details = h(
      'details',
      { 'data-event': event.id, 'data-tone': tone(event) },
      h(
        'summary',
        {},
        h('time', { datetime: event.at }, app.format.event(event.at)),
        this.sentence,
        ip ? h('span', { class: 'caller' }, h('span', { class: 'visually-hidden' }, ` ${app.t('event.ip')} `), visible(ip)) : undefined,
      ),
    );
    details.addEventListener('toggle', () => this.#expand(details, onlyKey), { once: true });
    this.node = h('li', {}, details);
    this.update(event);
  }

  /** Shows the event again if its key has another name now. The line stays open or closed. */
  update(event) {
    if (this.#event && this.#event.key?.name === event.key?.name) return;
    this.#event = event;
    this.sentence.replaceChildren(...sentence(this.#app, event));
    if (this.#raw) setText(this.#raw, raw(event));
  }

  /** Adds the parts that are shown only when the reader opens the event. */
  #expand(details, onlyKey) {
    const { t } = this.#app;
    const { request, key } = this.#event;
    const facts = h('dl', { class: 'facts' });
    for (const member of ['ip', 'user_agent', 'request_id', 'trace_id']) {
      if (request?.[member]) facts.append(h('div', {}, h('dt', {}, t(`event.${member}`)), h('dd', {}, visible(request[member]))));
    }
    const id = uniqueId();
    this.#raw = h('pre', { tabindex: 0, role: 'region', 'aria-labelledby': id }, raw(this.#event));
    details.append(
      h(
        'div',
        { class: 'more' },
        facts,
        key && onlyKey
          ? h('button', { type: 'button', 'data-do': 'only-key', 'aria-describedby': this.sentence.id, onclick: () => onlyKey(key) }, t('audit.only-key'))
          : undefined,
        h('p', { class: 'label', id }, t('audit.raw')),
        this.#raw,
      ),
    );
  }
}

function raw(event) {
  return visible(JSON.stringify(event, null, 2));
}
