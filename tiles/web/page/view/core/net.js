// Asking the service. What it refuses is a Problem (RFC 9457), with words that a person can read.

export class Problem extends Error {
  /** @param {number} status @param {string} detail @param {string} [detailZh] */
  constructor(status, detail, detailZh) {
    super(detail);
    this.status = status;
    this.detailZh = detailZh;
  }
}

export class Net {
  /** @param {string} root the address of the service, without a slash at its end @param {string | null} token */
  constructor(root, token = null) {
    this.root = root;
    this.token = token;
  }

  /** JSON at a path; a query is added. @param {string} path @param {Record<string, string | number | null | undefined>} [query] @param {AbortSignal} [signal] @returns {Promise<any>} */
  get(path, query = {}, signal) {
    const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
    const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    return this.ask(text ? `${path}?${text}` : path, { signal });
  }

  /** What the service answers to JSON. @param {string} path @param {unknown} body @param {Record<string, string>} [headers] @returns {Promise<any>} */
  post(path, body, headers = {}) {
    return this.ask(path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", ...headers },
    });
  }

  /** @param {string} path @param {RequestInit} given @returns {Promise<any>} */
  async ask(path, given) {
    const headers = new Headers(given.headers);
    headers.set("Accept", "application/json");
    if (this.token) headers.set("Authorization", `Bearer ${this.token}`);
    const reply = await fetch(this.root + path, { ...given, headers });
    if (reply.ok) return reply.json();
    const said = await reply.json().catch(() => ({}));
    throw new Problem(reply.status, said.detail ?? `HTTP ${reply.status}`, said.detail_zh);
  }
}
