// The events of the audit log as sentences.

import { h, nameOf, visible } from './dom.js';

/** Returns the nodes of a sentence that describes the event. */
export function sentence(app, event) {
  const { t, texts } = app;
  const values = {
    actor: h('bdi', { class: 'actor' }, visible(event.actor ?? t('event.someone'))),
    key: keyName(app, event.key),
  };
  if (event.request) return request(app, event.request, values);
  const key = `event.${event.action}`;
  switch (event.action) {
    case 'key.created':
      return [...texts.nodes(key, values), ...settings(app, event.changes ?? {})];
    case 'key.updated':
    case 'plan.changed':
      return texts.nodes(key, { ...values, changes: changes(app, event.changes ?? {}) });
    case 'audit.gap':
      return [texts.count(key, event.lost ?? 0)];
    default:
      return texts.has(key) ? texts.nodes(key, values) : texts.nodes('event.unknown', { ...values, action: event.action });
  }
}

function keyName(app, key) {
  if (!key) return '';
  return key.name === null ? h('code', {}, key.id) : nameOf(key.name);
}

/** Returns the sentences about the settings of a new key that differ from the defaults. */
function settings(app, all) {
  const parts = [];
  for (const member of ['expires_at', 'rate_limit']) {
    const value = all[member]?.to;
    if (value !== undefined && value !== null) {
      parts.push(' ', ...app.texts.nodes(`event.with.${member}`, { value: valueOf(app, member, value) }));
    }
  }
  return parts;
}

/** Returns a duration to a tenth of a millisecond. */
function milliseconds(format, exact) {
  const tenths = Math.round(exact * 10);
  return tenths === 0 ? `<${format.number(0.1)}` : format.number(tenths / 10);
}

function changes(app, all) {
  const list = h('span');
  Object.entries(all).forEach(([member, { from, to }], index) => {
    const key = app.texts.has(`change.${member}`) ? `change.${member}` : 'change.unknown';
    const values = { member, from: valueOf(app, member, from), to: valueOf(app, member, to) };
    list.append(index ? ', ' : '', ...app.texts.nodes(key, values));
  });
  return list;
}

function valueOf(app, member, value) {
  if (value === null) return app.t(app.texts.has(`change.no.${member}`) ? `change.no.${member}` : 'change.no');
  if (member === 'expires_at') return app.format.dayAndTime(value);
  if (typeof value === 'number') return app.format.number(value);
  if (typeof value === 'string') return nameOf(visible(value));
  return JSON.stringify(value);
}

function request(app, request, values) {
  const { t, texts, format } = app;
  Object.assign(values, {
    call: h('code', {}, visible(`${request.method} ${request.path}`)),
    status: request.status ?? '',
    milliseconds: milliseconds(format, request.latency_ms),
    reason: reason(app, request.denial),
  });
  if (request.denial && request.count) {
    return texts.countNodes('request.refused-count', request.count, values);
  }
  if (request.denial) return texts.nodes('request.refused', values);
  const key = `request.${request.outcome}`;
  if (texts.has(key) && (request.status !== null || request.outcome !== 'answered')) return texts.nodes(key, values);
  return texts.nodes('request.unknown', values);
}

function reason({ texts, t }, denial) {
  const key = `denial.${denial}`;
  return texts.has(key) ? t(key) : (denial ?? '');
}

/** Returns `good`, `bad` or `neutral`, which decides the color of the mark beside the sentence. */
export function tone(event) {
  const { request } = event;
  if (!request) return event.action === 'key.deleted' || event.action === 'audit.gap' ? 'bad' : 'neutral';
  if (request.denial || request.status >= 400 || request.outcome === 'aborted') return 'bad';
  return 'good';
}
