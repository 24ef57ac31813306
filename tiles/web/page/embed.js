// <gridmap-view>: the map of a gridmap service inside a page of somebody else.
//
//   <script type="module" src="http://SERVER/embed.js"></script>
//   <gridmap-view server="http://SERVER" area="500103" layers="grid,event" theme="dark"></gridmap-view>
//
// A thin element round an iframe, because a map's worker cannot be loaded across origins, and because what runs
// there cannot harm the page. Both talk by postMessage, each to the other's origin only.
//
//   attributes   server, area, layers (grid, event, order, device), theme (dark, light), lang (zh, en), metric, token
//   properties   the same; `element.area = "500103001"` moves the map
//   events       grid-click {code, name, level}, order-open {id}, area-change {code}, view-ready {edition}
//
// A token is handed to the frame in a message, never in an address, where logs would keep it.

const ATTRIBUTES = ["server", "area", "layers", "theme", "lang", "metric", "token"];
const EVENTS = ["grid-click", "order-open", "area-change", "view-ready"];
const HIDEABLE = ["event", "order", "device"];

/** The kinds of live things that a list of layers leaves out; nothing given shows all. @param {string | null} layers */
const hiddenBy = (layers) => {
  const names = (layers ?? "").split(",").map((each) => each.trim().replace(/s$/, ""));
  return layers === null ? [] : HIDEABLE.filter((each) => !names.includes(each));
};

export class GridmapView extends HTMLElement {
  static observedAttributes = ATTRIBUTES;

  constructor() {
    super();
    /** @type {HTMLIFrameElement | null} */ this.frame = null;
    this.listening = (/** @type {MessageEvent} */ event) => this.hear(event);
  }

  /** The service's address, without a slash at its end. */
  get root() {
    return (this.getAttribute("server") ?? new URL(".", import.meta.url).href).replace(/\/+$/, "");
  }

  connectedCallback() {
    const frame = document.createElement("iframe");
    frame.title = this.getAttribute("title") ?? "网格地图 gridmap";
    frame.allow = "geolocation; fullscreen";
    frame.referrerPolicy = "no-referrer";
    frame.style.cssText = "border:0;width:100%;height:100%;display:block";
    const query = new URLSearchParams({ embed: "1" });
    for (const name of ["area", "theme", "lang", "metric"]) {
      const value = this.getAttribute(name);
      if (value) query.set(name, value);
    }
    const hidden = hiddenBy(this.getAttribute("layers"));
    if (hidden.length) query.set("hide", hidden.join(","));
    frame.src = `${this.root}/view?${query}`;
    if (getComputedStyle(this).display === "inline") this.style.display = "block";
    this.frame = frame;
    this.replaceChildren(frame);
    addEventListener("message", this.listening);
  }

  disconnectedCallback() {
    removeEventListener("message", this.listening);
    this.frame?.remove();
    this.frame = null;
  }

  /** @param {string} name @param {string | null} before @param {string | null} value */
  attributeChangedCallback(name, before, value) {
    if (!this.frame || before === value) return;
    if (name === "server") {
      this.disconnectedCallback();
      this.connectedCallback();
    } else if (name === "token") this.tell({ hello: true, token: value });
    else if (name === "layers") this.tell({ set: { hidden: hiddenBy(value) } });
    else this.tell({ set: { [name === "lang" ? "language" : name]: value } });
  }

  /** Say something to the page in the frame. @param {Record<string, unknown>} said */
  tell(said) {
    this.frame?.contentWindow?.postMessage({ gridmap: said }, new URL(this.root).origin);
  }

  /** @param {MessageEvent} event */
  hear(event) {
    if (event.source !== this.frame?.contentWindow || event.origin !== new URL(this.root).origin) return;
    const { name, detail } = event.data?.gridmap ?? {};
    if (name === "listening") this.tell({ hello: true, token: this.getAttribute("token") });
    if (EVENTS.includes(name)) this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

for (const name of ATTRIBUTES) {
  Object.defineProperty(GridmapView.prototype, name, {
    /** @this {GridmapView} */
    get() {
      return this.getAttribute(name);
    },
    /** @this {GridmapView} @param {string | null} value */
    set(value) {
      if (value === null || value === undefined) this.removeAttribute(name);
      else this.setAttribute(name, value);
    },
  });
}

if (!customElements.get("gridmap-view")) customElements.define("gridmap-view", GridmapView);
