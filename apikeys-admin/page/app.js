// The content of the element: the tabs, the views, and what the page says.

import { h, setText } from './dom.js';
import { Format, Texts } from './format.js';
import { KeyList } from './key-list.js';

/** The modules that the list of keys does not need at first. They are loaded when it is shown. */
const PARTS = {
  audit: () => import('./audit-log.js'),
  page: () => import('./key-page.js'),
  form: () => import('./key-form.js'),
  deletion: () => import('./delete-dialog.js'),
  usage: () => import('./usage.js'),
};

export class App {
  #banner;
  #toast;
  #live;
  #undo;
  #timer;
  #clock;
  #view;
  #tabs;
  #keyList;
  #auditLog;
  #place;
  #opening = false;

  /** Shows the content in `root`. `data` are the keys, and `place` is the view to begin with. */
  constructor(element, root, { language, texts, api, data, style, place }) {
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
    this.api = api;
    this.data = data;
    this.#build({ language, style, place });
    api.report = (state) => this.#report(state);
  }

  close() {
    this.#place = undefined;
    this.forgetSecret?.();
    clearTimeout(this.#timer);
    clearInterval(this.#clock);
    removeEventListener('hashchange', this.#route);
    this.#view?.leave();
    this.#keyList.close();
    this.#auditLog?.leave();
    this.root.replaceChildren();
  }

  /**
   * Shows a message that screen readers speak. In a dialog, only the dialog can be heard. With `undo`, the message has a
   * button that calls this function.
   */
  announce(text, undo) {
    const inDialog = this.root.querySelector('dialog[open] [role=status]');
    if (inDialog) {
      inDialog.textContent = text;
      return;
    }
    this.#live.textContent = text;
    this.undo = undo;
    this.#undo.hidden = !undo;
    this.#toast.classList.add('shown');
    this.#hideLater();
  }

  /** Hides the message after a while, but not while the reader is about to use its button. */
  #hideLater() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        if (this.#toast.matches(':hover, :focus-within')) return this.#hideLater();
        this.#toast.classList.remove('shown');
        this.#undo.hidden = true;
      },
      this.undo ? 10_000 : 6000,
    );
  }

  /** Returns what to tell the reader about an error of the API. */
  problem(error) {
    const key = `problem.${error.code}`;
    return this.texts.has(key) ? this.t(key) : error.detail || this.t('problem.unknown');
  }

  /** Loads a part of the page, and passes its module to `use`. The reader can open one part at a time. */
  async open(part, use) {
    if (this.#opening) return;
    this.#opening = true;
    try {
      use(await this.load(part));
    } catch (error) {
      if (!(error instanceof PartMissing)) throw error;
    } finally {
      this.#opening = false;
    }
  }

  /** Returns the module of a part. Says so if the part cannot be loaded. */
  async load(part) {
    try {
      return await PARTS[part]();
    } catch (error) {
      this.announce(this.t('problem.part'));
      throw new PartMissing(part, { cause: error });
    }
  }

  /** Waits until the browser has shown what has changed. */
  shown() {
    return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  }

  refresh() {
    this.#view?.refresh().catch(() => {});
  }

  focusHome() {
    this.#view?.heading.focus();
  }

  openKey(id) {
    this.#go(`key/${id}`);
  }

  openKeys() {
    this.#go('keys');
  }

  #build({ language, style, place }) {
    const { t } = this;
    this.#live = h('p', { id: 'live', role: 'status' });
    this.#undo = h('button', { type: 'button', id: 'undo', hidden: true, onclick: () => this.undo?.() }, t('undo'));
    this.#toast = h('div', { id: 'toast' }, this.#live, this.#undo);
    this.bannerText = h('p');
    this.bannerLink = h('a', { class: 'button', target: '_blank', rel: 'noopener', hidden: true }, t('banner.log-in'));
    this.bannerRetry = h('button', { type: 'button', id: 'banner-retry', onclick: () => this.refresh() }, t('banner.retry'));
    this.#banner = h('div', { id: 'banner', role: 'alert', hidden: true }, this.bannerText, this.bannerLink, this.bannerRetry);
    this.#keyList = new KeyList(this);
    const tab = (name) =>
      h('button', { type: 'button', role: 'tab', id: `tab-${name}`, 'data-tab': name, 'aria-controls': 'view', onclick: () => this.#go(name) }, t(`tab.${name}`));
    this.#tabs = [tab('keys'), tab('audit')];
    this.panel = h('div', { id: 'view', role: 'tabpanel' });
    const tabs = h('div', { role: 'tablist', 'aria-label': t('tabs'), onkeydown: (event) => this.#onTabKey(event) }, this.#tabs);
    const container = h('div', { id: 'app', lang: language, hidden: true }, this.#banner, tabs, this.panel);
    this.root.append(container, this.#toast);
    // The content appears together with its style.
    style.loaded.then(() => {
      container.hidden = false;
    });
    if (this.hash) addEventListener('hashchange', this.#route);
    this.#clock = setInterval(() => this.format.refresh(this.root), 15_000);
    this.#show(place, true);
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

  async #show(place, first = false) {
    this.#place = place;
    const [name, id] = place.split('/');
    for (const tab of this.#tabs) {
      const selected = tab.dataset.tab === (name === 'audit' ? 'audit' : 'keys');
      tab.setAttribute('aria-selected', String(selected));
      tab.tabIndex = selected ? 0 : -1;
      if (selected) this.panel.setAttribute('aria-labelledby', tab.id);
    }
    let view;
    try {
      view = name === 'key' && id ? await this.#keyPage(id) : name === 'audit' ? await this.#audit() : this.#keyList;
    } catch (error) {
      if (!(error instanceof PartMissing)) throw error;
      view = this.#missing();
    }
    // The reader may have gone elsewhere while the part was loaded.
    if (view === this.#view || this.#place !== place) return;
    const left = this.#view;
    left?.leave();
    this.#view = view;
    this.panel.replaceChildren(view.node);
    Promise.resolve(view.enter())
      .catch(() => {})
      .finally(() => {
        this.element.removeAttribute('aria-busy');
        if (first) this.#loadParts();
      });
    if (first || this.#tabs.includes(this.root.activeElement)) return;
    if (left?.keyId && view === this.#keyList) view.focusKey(left.keyId);
    else view.heading.focus();
  }

  /** Returns a view in place of one whose part cannot be loaded. */
  #missing() {
    const node = h('p', { class: 'empty', id: 'part-missing', tabindex: -1 }, this.t('problem.part'));
    return { node, heading: node, enter() {}, leave() {}, async refresh() {} };
  }

  async #keyPage(id) {
    const { KeyPage } = await this.load('page');
    return new KeyPage(this, id);
  }

  async #audit() {
    const { AuditLog } = await this.load('audit');
    if (!this.#auditLog) {
      this.#auditLog = new AuditLog(this);
      this.#auditLog.heading = h('h2', { tabindex: -1 }, this.t('audit.title'));
      this.#auditLog.node.prepend(this.#auditLog.heading);
    }
    return this.#auditLog;
  }

  /** Loads all parts, so that they are there when the reader wants them. The view is shown before. */
  async #loadParts() {
    await this.shown();
    for (const load of Object.values(PARTS)) {
      load().catch(() => {
        // The page says so if the reader wants the part.
      });
    }
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

/** The error of a part of the page that cannot be loaded. The page has said so. */
class PartMissing extends Error {}
