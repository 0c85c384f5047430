// The keys that the page has loaded, with the quota and the plan.

import { ApiError } from './api.js';

/** The number of keys that are loaded at first, and each time that the reader asks for more. */
const PORTION = 1000;

export class KeyData extends EventTarget {
  /** The keys, newest first. */
  keys = [];
  /** `{ used, limit }`, or `undefined` before the first page has arrived. */
  quota;
  /** The plan, or `undefined` if it is unknown. */
  plan;
  /** Whether all keys are loaded, or as many as were asked for. */
  loaded = false;
  /** Whether there are keys that are not loaded. */
  more = false;

  #api;
  #most = PORTION;
  #changes = 0;
  #planQuota;
  #begun;

  constructor(api) {
    super();
    this.#api = api;
  }

  key(id) {
    return this.keys.find((key) => key.id === id);
  }

  /** Begins to load the keys before there is a view. The first call of `load` waits for the result. */
  begin() {
    this.#begun = this.#load();
    this.#begun.catch(() => {
      // The first view learns of the error.
    });
  }

  /** Loads the keys. Keys of the first load appear page by page. Later, all keys are replaced at once. */
  load(signal) {
    const begun = this.#begun;
    this.#begun = undefined;
    return begun ?? this.#load(signal);
  }

  async #load(signal) {
    const plan = this.#loadPlan(signal);
    plan.catch(() => {
      // If the keys cannot be loaded either, only that error is thrown.
    });
    for (;;) {
      const changes = this.#changes;
      const collected = [];
      let cursor;
      do {
        const page = await this.#page(cursor, signal);
        if (page === undefined) break;
        collected.push(...page.keys);
        cursor = page.next_cursor;
        // A response from before a change of this page must not hide the change.
        if (changes !== this.#changes) break;
        this.quota = page.quota;
        if (!this.loaded) this.#show(collected, true);
      } while (cursor && collected.length < this.#most);
      if (changes !== this.#changes || cursor === undefined) continue;
      this.loaded = true;
      this.#show(collected, Boolean(cursor));
      break;
    }
    await plan;
    if (this.#planQuota !== undefined && this.#planQuota !== this.quota.limit) {
      this.#planQuota = undefined;
      await this.#loadPlan(signal);
    }
  }

  async loadMore(signal) {
    this.#most = this.keys.length + PORTION;
    await this.load(signal);
  }

  /** Adds or replaces a key that the API has returned. */
  put(key, isNew = false) {
    this.#changes += 1;
    if (isNew) {
      this.keys = [key, ...this.keys];
      if (this.quota) this.quota = { ...this.quota, used: this.quota.used + 1 };
    } else {
      this.keys = this.keys.map((other) => (other.id === key.id ? key : other));
    }
    this.#notify();
  }

  /** Removes a key that the API has deleted. */
  remove(id) {
    this.#changes += 1;
    const keys = this.keys.filter((key) => key.id !== id);
    if (keys.length < this.keys.length && this.quota) this.quota = { ...this.quota, used: this.quota.used - 1 };
    this.keys = keys;
    this.#notify();
  }

  /** Returns a page. Returns `undefined` if the service no longer knows the cursor, for example after a restart. */
  async #page(cursor, signal) {
    try {
      return await this.#api.keys(cursor, signal);
    } catch (error) {
      if (cursor && error instanceof ApiError && error.code === 'INVALID_CURSOR') return undefined;
      throw error;
    }
  }

  async #loadPlan(signal) {
    // The quota that the plan has, or `undefined` if the plan is asked for before the quota is known.
    const quota = this.quota?.limit;
    if (this.plan && this.#planQuota !== undefined && this.#planQuota === quota) return;
    try {
      this.plan = await this.#api.plan(signal);
      this.#planQuota = quota;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 401) throw error;
      // The keys are shown without the plan's name.
      this.plan = undefined;
    }
    this.#notify();
  }

  #show(keys, more) {
    this.keys = keys;
    this.more = more;
    this.#notify();
  }

  #notify() {
    this.dispatchEvent(new Event('change'));
  }
}
