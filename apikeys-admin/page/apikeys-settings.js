// The custom element `<apikeys-settings>`, on which administrators manage the API keys of their organization.
//
// Attributes, all optional:
//   api          the URL of the management API; by default `api` at the mount of the page, from which this module was loaded
//   lang         the language, `en` or `de`; by default the language of the page
//   service-url  the URL of an endpoint that accepts keys, for the curl command that is shown with a new key
//   login-url    the URL of the login, for a link that is shown when the login has expired
//   routing      `hash`: the view is part of the URL's fragment, so that the browser's Back button works
//
// The colors and the font are custom properties, which the first rule of apikeys-settings.css lists.
//
// This module imports only what it needs to ask for the keys, so that the API responds while the other modules
// are loaded.

import { Api } from './api.js';
import { KeyData } from './key-data.js';

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
    const api = new Api(this.#base());
    const data = new KeyData(api);
    if (!this.#place().startsWith('key/')) data.begin();
    const root = this.shadowRoot ?? this.attachShadow({ mode: 'open' });
    const style = stylesheet();
    root.replaceChildren(style.node);
    const [{ App }, { texts }] = await Promise.all([import('./app.js'), LANGUAGES[language]()]);
    if (start !== this.#starting) return;
    this.#app = new App(this, root, { language, texts, api, data, style, place: this.#place() });
  }

  #stop() {
    this.#starting += 1;
    this.#app?.close();
    this.#app = undefined;
  }

  /** Returns the URL of the API. */
  #base() {
    const api = this.getAttribute('api');
    // This module is in the folder `assets/<hash>/` below the mount.
    return api ? new URL(`${api.replace(/\/*$/, '')}/`, document.baseURI) : new URL('../../api/', import.meta.url);
  }

  /** Returns the place that the URL names. */
  #place() {
    return (this.getAttribute('routing') === 'hash' && location.hash.slice(1)) || 'keys';
  }

  #language() {
    const tag = this.closest('[lang]')?.lang || navigator.language;
    const language = tag.split('-')[0].toLowerCase();
    return Object.hasOwn(LANGUAGES, language) ? language : 'en';
  }
}

/** Returns the link to the stylesheet, and a promise that is fulfilled when the style applies or cannot be loaded. */
function stylesheet() {
  const node = document.createElement('link');
  const loaded = new Promise((done) => {
    node.addEventListener('load', done, { once: true });
    node.addEventListener('error', done, { once: true });
  });
  node.rel = 'stylesheet';
  node.href = new URL('apikeys-settings.css', import.meta.url).href;
  return { node, loaded };
}

customElements.define('apikeys-settings', ApikeysSettings);
