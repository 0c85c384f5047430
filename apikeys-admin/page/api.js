// The client of the management API.

const TIMEOUT = 20_000;

/** The error of a request that the API has refused, with the problem (RFC 9457) of the response. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.title ?? `status ${status}`);
    this.status = status;
    this.code = problem.code ?? '';
    this.detail = problem.detail ?? '';
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
    this.problem = problem;
  }
}

/** The error of a request without a response. The API may have carried out the request. */
export class ConnectionError extends Error {}

export class Api {
  #report;
  #state;

  /** Creates a client of the API below the URL `base`. */
  constructor(base) {
    this.base = base;
  }

  /**
   * Sets the function that is called after each request with `ok`, `offline`, `login` (the login is missing or has
   * expired) or `unavailable`. If requests have ended before, it is called at once.
   */
  set report(report) {
    this.#report = report;
    if (this.#state) report(this.#state);
  }

  keys(cursor, signal) {
    return this.call('GET', 'keys', { query: { limit: 100, cursor }, signal });
  }

  key(id, signal) {
    return this.call('GET', `keys/${encodeURIComponent(id)}`, { signal });
  }

  create(key) {
    return this.call('POST', 'keys', { body: key });
  }

  update(id, patch) {
    return this.call('PATCH', `keys/${encodeURIComponent(id)}`, { body: patch });
  }

  remove(id) {
    return this.call('DELETE', `keys/${encodeURIComponent(id)}`);
  }

  plan(signal) {
    return this.call('GET', 'plan', { signal });
  }

  usage(id, query, signal) {
    return this.call('GET', `keys/${encodeURIComponent(id)}/usage`, { query, signal });
  }

  events(query, signal) {
    return this.call('GET', 'audit', { query, signal });
  }

  async call(method, path, { query = {}, body, signal } = {}) {
    const url = new URL(path, this.base);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== null && value !== '') url.searchParams.set(name, value);
    }
    const timeout = AbortSignal.timeout(TIMEOUT);
    let status;
    let content;
    try {
      const response = await fetch(url, {
        method,
        body: body && JSON.stringify(body),
        headers: body ? { 'Content-Type': 'application/json', Accept: 'application/json' } : { Accept: 'application/json' },
        cache: 'no-store',
        credentials: 'include',
        // A service may redirect to its login in place of status 401.
        redirect: 'manual',
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      status = response.type === 'opaqueredirect' ? 401 : response.status;
      content = isJson(response) ? await response.json() : undefined;
    } catch (error) {
      if (signal?.aborted) throw error;
      if (error instanceof SyntaxError) throw this.unavailable();
      this.#tell('offline');
      throw new ConnectionError('no response', { cause: error });
    }
    if (status === 401) {
      this.#tell('login');
      throw new ApiError(401, content ?? { code: 'ADMIN_REQUIRED' });
    }
    if (status >= 500 || (status !== 204 && content === undefined)) throw this.unavailable(status, content);
    this.#tell('ok');
    if (status >= 400) throw new ApiError(status, content);
    return content;
  }

  #tell(state) {
    this.#state = state;
    this.#report?.(state);
  }

  unavailable(status = 503, content = {}) {
    this.#tell('unavailable');
    return new ApiError(status, { code: 'MANAGEMENT_UNAVAILABLE', ...content });
  }
}

function isJson(response) {
  return /^application\/(problem\+)?json\b/i.test(response.headers.get('content-type') ?? '');
}
