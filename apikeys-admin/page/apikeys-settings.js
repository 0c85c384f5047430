// The custom element `<apikeys-settings>`, on which administrators manage the API keys of their organization.
//
// Attributes, all optional:
//   api          the URL of the management API; by default the API beside this module
//   lang         the language, `en` or `de`; by default the language of the page
//   service-url  the URL of an endpoint that accepts keys, for the curl command that is shown with a new key
//   login-url    the URL of the login, for a link that is shown when the login has expired
//   routing      `hash`: the view is part of the URL's fragment, so that the browser's Back button works
//
// The colors and the font are custom properties, which the first rule of apikeys-settings.css lists.

import { Api } from './api.js';
import { AuditLog } from './audit-log.js';
import { h, setText } from './dom.js';
import { Format, Texts } from './format.js';
import { KeyData } from './key-data.js';
import { KeyList } from './key-list.js';
import { KeyPage } from './key-page.js';

const LANGUAGES = {
  en: () => import('./texts-en.js'),
  de: () => import('./texts-de.js'),
};

class ApikeysSettings extends HTMLElement {
  static observedAttributes = ['api', 'lang', 'service-url', 'login-url', 'routing'];

  #app;
  #starting = 0;

  connectedCallback() {
    this.#start();
  }

  disconnectedCallback() {
    this.#stop();
  }

  attributeChangedCallback(name, before, after) {
    if (this.isConnected && this.#app && before !== after) this.#start();
  }

  async #start() {
    this.#stop();
    this.#starting += 1;
    const start = this.#starting;
    const language = this.#language();
    const { texts } = await LANGUAGES[language]();
    if (start !== this.#starting) return;
    const root = this.shadowRoot ?? this.attachShadow({ mode: 'open' });
    this.#app = new App(this, root, language, texts);
  }

  #stop() {
    this.#starting += 1;
    this.#app?.close();
    this.#app = undefined;
  }

  #language() {
    const tag = this.closest('[lang]')?.lang || navigator.language;
    const language = tag.split('-')[0].toLowerCase();
    return Object.hasOwn(LANGUAGES, language) ? language : 'en';
  }
}

class App {
  #banner;
  #live;
  #timer;
  #clock;
  #view;
  #tabs;
  #keyList;
  #auditLog;

  constructor(element, root, language, texts) {
    this.root = root;
    // The element is busy until the first view is shown, or until the reason is shown why this is not possible.
    this.element = element;
    element.setAttribute('aria-busy', 'true');
    this.format = new Format(language, texts['time.now']);
    this.texts = new Texts(texts, this.format);
    this.t = (key, values) => this.texts.t(key, values);
    this.hash = element.getAttribute('routing') === 'hash';
    this.loginUrl = element.getAttribute('login-url');
    const serviceUrl = element.getAttribute('service-url');
    this.serviceUrl = serviceUrl ? shellWord(new URL(serviceUrl, document.baseURI).href) : undefined;
    const api = element.getAttribute('api');
    // This module is in the folder `assets/<hash>/` below the mount.
    const base = api ? new URL(`${api.replace(/\/*$/, '')}/`, document.baseURI) : new URL('../../api/', import.meta.url);
    this.api = new Api(base, (state) => this.#report(state));
    this.data = new KeyData(this.api);
    this.#build(language);
  }

  close() {
    this.forgetSecret?.();
    clearTimeout(this.#timer);
    clearInterval(this.#clock);
    removeEventListener('hashchange', this.#route);
    this.#view?.leave();
    this.#keyList.close();
    this.#auditLog.leave();
    this.root.replaceChildren();
  }

  /** Shows a message that screen readers speak. In a dialog, only the dialog can be heard. */
  announce(text) {
    const inDialog = this.root.querySelector('dialog[open] [role=status]');
    if (inDialog) {
      inDialog.textContent = text;
      return;
    }
    this.#live.textContent = text;
    this.#live.classList.add('shown');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#live.classList.remove('shown'), 6000);
  }

  /** Returns what to tell the reader about an error of the API. */
  problem(error) {
    const key = `problem.${error.code}`;
    return this.texts.has(key) ? this.t(key) : error.detail || this.t('problem.unknown');
  }

  refresh() {
    this.#view.refresh().catch(() => {});
  }

  focusHome() {
    this.#view.heading?.focus();
  }

  openKey(id) {
    this.#go(`key/${id}`);
  }

  openKeys() {
    this.#go('keys');
  }

  #build(language) {
    const { t } = this;
    const style = h('link', { rel: 'stylesheet', href: new URL('apikeys-settings.css', import.meta.url).href });
    this.#live = h('p', { id: 'live', role: 'status' });
    this.bannerText = h('p');
    this.bannerLink = h('a', { class: 'button', target: '_blank', rel: 'noopener', hidden: true }, t('banner.log-in'));
    this.bannerRetry = h('button', { type: 'button', id: 'banner-retry', onclick: () => this.refresh() }, t('banner.retry'));
    this.#banner = h('div', { id: 'banner', role: 'alert', hidden: true }, this.bannerText, this.bannerLink, this.bannerRetry);
    this.#keyList = new KeyList(this);
    this.#auditLog = new AuditLog(this);
    this.#auditLog.heading = h('h2', { tabindex: -1 }, t('audit.title'));
    this.#auditLog.node.prepend(this.#auditLog.heading);
    const tab = (name) =>
      h('button', { type: 'button', role: 'tab', id: `tab-${name}`, 'data-tab': name, 'aria-controls': 'view', onclick: () => this.#go(name) }, t(`tab.${name}`));
    this.#tabs = [tab('keys'), tab('audit')];
    this.panel = h('div', { id: 'view', role: 'tabpanel' });
    const tabs = h('div', { role: 'tablist', 'aria-label': t('tabs'), onkeydown: (event) => this.#onTabKey(event) }, this.#tabs);
    const container = h('div', { id: 'app', lang: language, hidden: true }, this.#banner, tabs, this.panel);
    // The content appears together with its style.
    const reveal = () => {
      container.hidden = false;
    };
    style.addEventListener('load', reveal, { once: true });
    style.addEventListener('error', reveal, { once: true });
    this.root.append(style, container, this.#live);
    if (this.hash) addEventListener('hashchange', this.#route);
    this.#clock = setInterval(() => this.format.refresh(this.root), 15_000);
    this.#show(this.hash ? location.hash.slice(1) : 'keys', true);
  }

  #onTabKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const index = this.#tabs.indexOf(this.root.activeElement);
    const next = this.#tabs[(index + step + this.#tabs.length) % this.#tabs.length];
    next.focus();
    next.click();
  }

  #route = () => this.#show(location.hash.slice(1));

  /** Opens a view. With `routing="hash"`, the browser's history has an entry for it. */
  #go(place) {
    if (this.hash && location.hash !== `#${place}`) location.hash = place;
    else this.#show(place);
  }

  #show(place, first = false) {
    const [name, id] = place.split('/');
    const leftKey = this.#view instanceof KeyPage ? this.#view.id : undefined;
    const view = name === 'key' && id ? new KeyPage(this, id) : name === 'audit' ? this.#auditLog : this.#keyList;
    if (view === this.#view) return;
    this.#view?.leave();
    this.#view = view;
    for (const tab of this.#tabs) {
      const selected = tab.dataset.tab === (view === this.#auditLog ? 'audit' : 'keys');
      tab.setAttribute('aria-selected', String(selected));
      tab.tabIndex = selected ? 0 : -1;
      if (selected) this.panel.setAttribute('aria-labelledby', tab.id);
    }
    this.panel.replaceChildren(view.node);
    Promise.resolve(view.enter())
      .catch(() => {})
      .finally(() => this.element.removeAttribute('aria-busy'));
    if (first || this.#tabs.includes(this.root.activeElement)) return;
    if (leftKey && view === this.#keyList) view.focusKey(leftKey);
    else view.heading.focus();
  }

  /** Shows whether the API responds. */
  #report(state) {
    if (state === 'ok') {
      if (!this.#banner.hidden) this.announce(this.t('banner.again'));
      this.#banner.hidden = true;
      return;
    }
    this.#banner.hidden = false;
    this.#banner.dataset.kind = state;
    setText(this.bannerText, this.t(`banner.${state}`));
    this.bannerLink.hidden = state !== 'login' || !this.loginUrl;
    if (this.loginUrl) this.bannerLink.href = new URL(this.loginUrl, document.baseURI).href;
  }
}

/** Returns a URL in a form that shells read as one word. */
function shellWord(url) {
  const escape = (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`;
  const safe = url.replace(/["'`$\\!<>|;()*\s]/g, escape);
  return /^[\w\-./:~%@+,=]*$/.test(safe) ? safe : `"${safe}"`;
}

customElements.define('apikeys-settings', ApikeysSettings);
