// Repeated work that stops while nobody sees the page.

const LONGEST = 60_000;

export class Poll {
  #task;
  #pause;
  #timer;
  #failures = 0;
  #running = false;
  #again = false;
  #started = false;

  /** Creates a poll that waits for `seconds` between two calls of `task`, and longer after a failure. */
  constructor(task, seconds) {
    this.#task = task;
    this.#pause = seconds * 1000;
  }

  start() {
    if (this.#started) return;
    this.#started = true;
    document.addEventListener('visibilitychange', this.#onVisibility);
    this.#schedule();
  }

  stop() {
    this.#started = false;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    clearTimeout(this.#timer);
  }

  /** Calls the task now, or once more when the call that is running has ended. */
  async now() {
    if (this.#running) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#running = true;
    try {
      await this.#task();
      this.#failures = 0;
    } catch {
      // The client of the API has reported the error.
      this.#failures += 1;
    } finally {
      this.#running = false;
      this.#schedule();
      const again = this.#again && this.#started;
      this.#again = false;
      if (again) this.now();
    }
  }

  set seconds(seconds) {
    this.#pause = seconds * 1000;
  }

  #onVisibility = () => {
    clearTimeout(this.#timer);
    if (document.visibilityState === 'visible') this.now();
  };

  #schedule() {
    clearTimeout(this.#timer);
    if (!this.#started || document.visibilityState === 'hidden') return;
    const pause = Math.min(LONGEST, this.#pause * 2 ** this.#failures);
    this.#timer = setTimeout(() => this.now(), pause);
  }
}
