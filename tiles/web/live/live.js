// One live stream for all windows of a browser.
//
// A browser opens six connections to an origin (HTTP/1.1). A stream in each window would take them all at the
// sixth, and no window could load a tile. So the windows of one browser elect a leader (Web Locks: the lock is
// handed on by the browser when a window closes or crashes). The leader reads /live with an EventSource and
// passes everything on over a BroadcastChannel. Not a SharedWorker: Chrome on Android has none, and a worker
// whose stream hangs is seen by nobody, while a lock is handed on. Browsers with neither lock nor channel, and
// pages without a secure context, have a stream of their own in each window.
//
// What the windows want differs, so the leader reads the union of their kinds and areas; each picks its own.
// When that grows, the leader opens a wider stream from the last id, so nothing is missing and nothing is
// twice: numbers only grow, and what is not newer than the last one is dropped, here and in each window.
//
// A line can die without a word (a cable, a sleeping computer). The server says `beat` when it has nothing else
// to say, so a stream that is silent for longer is dead, and is opened anew; so it is when the network is back.
//
//   import { connect } from "/live.js";
//   const live = connect();
//   const stop = live.subscribe({ kinds: ["event"], area: "500103001" }, (item) => show(item.data));
//   live.onstate((state) => { light.className = state; });   // connecting, open, waiting, closed

/**
 * @typedef {"connecting" | "open" | "waiting" | "closed"} State
 * @typedef {{kind: string, seq: number | null, data: any}} Item  kind: event, order, device, value, edition,
 *   notice; reset and lagging, which say what to load (data.reload); hello and bye
 * @typedef {{kinds?: string[], area?: string | string[]}} Wish  nothing given means everything
 * @typedef {{base?: string, name?: string, locks?: LockManager | null, Source?: typeof EventSource,
 *   Channel?: typeof BroadcastChannel | null}} Options  where the service is, and what a test gives instead
 * @typedef {{kinds: string[], areas: string[]}} Want  empty lists mean all
 */

const KINDS = ["event", "order", "device", "value", "edition", "notice"];
const SPOKEN = ["hello", "reset", "lagging", "bye"];
const STATES = ["device", "value", "lagging", "bye"];
/** Who is silent for this long has closed without a word, and its wishes are forgotten. */
const SILENT_MS = 90_000;
const TELL_MS = 20_000;
/** Wishes that come within this time open one stream. */
const GATHER_MS = 50;
/** First wait after the server refused, doubled each time up to the second. */
const AGAIN_MS = 2_000;
const LONGEST_MS = 60_000;
/** A stream of which nothing was heard for so long is dead: three heartbeats were due. */
const DEAD_MS = 45_000;
const LOOK_MS = 5_000;

/** @param {Wish} wish @returns {Want} */
const wantOf = (wish) => ({ kinds: wish.kinds ?? [], areas: [wish.area ?? []].flat() });

/** The least that holds all. @param {Want[]} wants @returns {Want} */
export function union(wants) {
  const all = (/** @type {string[][]} */ lists) =>
    lists.some((list) => list.length === 0) ? [] : [...new Set(lists.flat())].sort();
  return { kinds: all(wants.map((each) => each.kinds)), areas: all(wants.map((each) => each.areas)) };
}

/** Whether one want holds another. @param {Want} wide @param {Want} narrow */
export function holds(wide, narrow) {
  const within = (/** @type {string[]} */ large, /** @type {string[]} */ small) =>
    large.length === 0 || (small.length > 0 && small.every((each) => large.includes(each)));
  return within(wide.kinds, narrow.kinds) && within(wide.areas, narrow.areas);
}

/** The address of a stream. @param {string} base @param {Want} want @param {number | null} since */
export function addressOf(base, want, since) {
  const query = new URLSearchParams();
  if (want.kinds.length) query.set("kinds", want.kinds.join(","));
  for (const area of want.areas) query.append("area", area);
  if (since !== null) query.set("since", String(since));
  const text = query.toString();
  return `${base}/live${text ? `?${text}` : ""}`;
}

/** Whether a window that wants something wants an item. @param {Want} want @param {Item} item */
export function takes(want, item) {
  if (SPOKEN.includes(item.kind)) return true;
  if (want.kinds.length && !want.kinds.includes(item.kind)) return false;
  if (!want.areas.length || item.kind === "edition") return true;
  // The codes of the areas above a grid begin its own; a service with other codes tells them as `codes`.
  const codes = item.data?.codes ?? [item.data?.code ?? item.data?.order?.code ?? ""];
  return want.areas.some((area) => codes.some((/** @type {string} */ code) => code.startsWith(area)));
}

/** Reads the stream itself: of the leader, or of a window on its own. */
class Reader {
  /** @param {Required<Options>} options @param {(item: Item) => void} give @param {(state: State) => void} say */
  constructor(options, give, say) {
    this.options = options;
    this.give = give;
    this.say = say;
    /** @type {EventSource | null} */ this.source = null;
    /** @type {Want | null} */ this.want = null;
    /** @type {number | null} */ this.last = null;
    this.wait = AGAIN_MS;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ this.timer = undefined;
    this.heardAt = 0;
    this.looks = setInterval(() => this.look(), LOOK_MS);
    this.gone = () => this.source && this.lose(LONGEST_MS);
    this.back = () => this.want && this.open();
    globalThis.addEventListener?.("offline", this.gone);
    globalThis.addEventListener?.("online", this.back);
  }

  /** Read what is wanted, from the last id on; null is nothing. @param {Want | null} want */
  read(want) {
    if (want && this.want && holds(this.want, want) && holds(want, this.want)) return;
    this.want = want;
    if (want) this.open();
    else this.shut();
  }

  open() {
    this.shut();
    this.say("connecting");
    const address = addressOf(this.options.base, /** @type {Want} */ (this.want), this.last);
    const source = new this.options.Source(address);
    this.source = source;
    this.heardAt = Date.now();
    source.onopen = () => {
      this.heardAt = Date.now();
      this.wait = AGAIN_MS;
      this.say("open");
    };
    source.onerror = () => {
      if (source !== this.source) return;
      this.say("waiting");
      // A browser comes back by itself after a broken stream, but gives up at a status: then we come back.
      if (source.readyState === 2) this.lose(this.wait);
    };
    for (const kind of [...KINDS, ...SPOKEN, "beat"]) {
      source.addEventListener(kind, (event) => {
        if (source === this.source) this.hear(kind, /** @type {MessageEvent} */ (event));
      });
    }
  }

  /** @param {string} kind @param {MessageEvent} event */
  hear(kind, event) {
    this.heardAt = Date.now();
    if (kind === "beat") return;
    const seq = !STATES.includes(kind) && event.lastEventId !== "" ? Number(event.lastEventId) : null;
    if (seq !== null) {
      if (kind === "reset") this.last = seq;
      else if (this.last !== null && seq <= this.last && kind !== "hello") return;
      else this.last = Math.max(seq, this.last ?? 0);
    }
    this.give({ kind, seq, data: JSON.parse(event.data) });
  }

  /** The line is gone: open it anew after some time. @param {number} wait in ms */
  lose(wait) {
    this.shut();
    this.say("waiting");
    this.timer = setTimeout(() => this.open(), wait);
    this.wait = Math.min(2 * this.wait, LONGEST_MS);
  }

  /** Whether the line still lives. */
  look() {
    if (this.source?.readyState === 1 && Date.now() - this.heardAt > DEAD_MS) this.lose(0);
  }

  shut() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  end() {
    this.shut();
    clearInterval(this.looks);
    globalThis.removeEventListener?.("offline", this.gone);
    globalThis.removeEventListener?.("online", this.back);
  }
}

/** The live stream of one window. */
export class Live {
  /** @param {Options} [options] */
  constructor(options = {}) {
    const scope = globalThis;
    this.options = {
      base: options.base ?? "",
      name: options.name ?? "gridmap-live",
      locks: options.locks === undefined ? (scope.navigator?.locks ?? null) : options.locks,
      Source: options.Source ?? scope.EventSource,
      Channel: options.Channel === undefined ? (scope.BroadcastChannel ?? null) : options.Channel,
    };
    this.id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    /** @type {State} */ this.state = "connecting";
    this.leads = false;
    /** @type {Map<number, {want: Want, call: (item: Item) => void}>} */ this.subscribers = new Map();
    this.count = 0;
    /** @type {Set<(state: State) => void>} */ this.watchers = new Set();
    /** @type {Map<string, {want: Want, at: number}>} */ this.others = new Map();
    /** @type {number | null} */ this.last = null;
    this.reader = new Reader(
      /** @type {Required<Options>} */ (this.options),
      (item) => this.spread(item),
      (state) => this.become(state),
    );
    const { locks, Channel, name } = this.options;
    const shared = locks !== null && Channel !== null;
    this.channel = shared ? new Channel(name) : null;
    this.abandon = new AbortController();
    if (this.channel && locks) {
      this.channel.onmessage = (event) => this.heard(event.data);
      this.teller = setInterval(() => this.tell(), TELL_MS);
      locks
        .request(name, { signal: this.abandon.signal }, () => this.lead())
        .catch((/** @type {Error} */ error) => {
          if (error.name !== "AbortError") this.lead();
        });
    } else {
      this.lead();
    }
  }

  /**
   * Call `call` with each item that is wanted; gives a function that ends it.
   * @param {Wish} wish @param {(item: Item) => void} call @returns {() => void}
   */
  subscribe(wish, call) {
    const number = this.count++;
    this.subscribers.set(number, { want: wantOf(wish), call });
    this.changed();
    return () => {
      this.subscribers.delete(number);
      this.changed();
    };
  }

  /** Call `call` with the state of the connection, now and whenever it changes. @param {(state: State) => void} call */
  onstate(call) {
    this.watchers.add(call);
    call(this.state);
    return () => void this.watchers.delete(call);
  }

  /** End; another window takes the lead where this one had it. */
  close() {
    this.channel?.postMessage({ gone: this.id });
    this.reader.end();
    this.become("closed");
    clearInterval(this.teller);
    clearTimeout(this.looks);
    this.abandon.abort();
    this.release?.();
    this.channel?.close();
    this.channel = null;
  }

  /** Take the lead; the promise ends when this window closes. @returns {Promise<void>} */
  lead() {
    if (this.state === "closed") return Promise.resolve();
    this.leads = true;
    this.reader.last = this.last;
    this.channel?.postMessage({ ask: true });
    this.soon();
    return new Promise((resolve) => {
      this.release = resolve;
    });
  }

  /** What this window wants, null for nothing. @returns {Want | null} */
  get want() {
    const wants = [...this.subscribers.values()].map((each) => each.want);
    return wants.length ? union(wants) : null;
  }

  changed() {
    if (this.leads) this.soon();
    else this.tell();
  }

  /** As leader, look anew at what is wanted, once for all that is said in a moment. */
  soon() {
    clearTimeout(this.looks);
    this.looks = setTimeout(() => this.widen(), GATHER_MS);
  }

  /** Tell the leader what this window wants, and that it is still there. */
  tell() {
    if (!this.leads && this.channel) this.channel.postMessage({ from: this.id, want: this.want });
  }

  /** As leader, read what all windows want. */
  widen() {
    const now = Date.now();
    for (const [id, each] of this.others) if (now - each.at > SILENT_MS) this.others.delete(id);
    const wants = [...this.others.values()].map((each) => each.want);
    if (this.want) wants.push(this.want);
    this.reader.read(wants.length ? union(wants) : null);
  }

  /** As leader, pass an item on. @param {Item} item */
  spread(item) {
    const read = /** @type {Want} */ (this.reader.want);
    this.channel?.postMessage({ item, read });
    this.take(item, read);
  }

  /** Call whoever wants an item that came with a stream. @param {Item} item @param {Want} read */
  take(item, read) {
    if (item.seq !== null) this.last = item.kind === "reset" ? item.seq : Math.max(item.seq, this.last ?? 0);
    for (const { want, call } of [...this.subscribers.values()]) {
      if (holds(want, read) || takes(want, item)) call(item); // the service has picked, or we do
    }
  }

  /** @param {State} state */
  become(state) {
    if (this.state === state || this.state === "closed") return;
    this.state = state;
    if (this.leads) this.channel?.postMessage({ state });
    for (const call of this.watchers) call(state);
  }

  /** What another window says. @param {any} said */
  heard(said) {
    if (said.ask) {
      this.leads = false; // there is one leader: the one that asks
      this.tell();
    } else if (said.item && !this.leads) {
      const seq = said.item.seq;
      const known = seq !== null && this.last !== null && seq <= this.last;
      if (!known || SPOKEN.includes(said.item.kind)) this.take(said.item, said.read);
    } else if (said.state && !this.leads) {
      this.become(said.state);
    } else if (said.from && this.leads) {
      if (said.want) this.others.set(said.from, { want: said.want, at: Date.now() });
      else this.others.delete(said.from);
      this.soon();
      this.channel?.postMessage({ state: this.state });
    } else if (said.gone && this.leads) {
      this.others.delete(said.gone);
      this.soon();
    }
  }
}

/** The live stream of this window, shared with the browser's others. @param {Options} [options] */
export const connect = (options) => new Live(options);
