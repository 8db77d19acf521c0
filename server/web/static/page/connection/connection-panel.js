// <connection-panel>: a line that always says how the connection is, and unfolds to all that is
// known of it. Fires `cut`, `transport` {name} (null: automatic) and `diagnose`.

import { button, element, fire, setText, svg } from "../dom.js";
import { count } from "../format.js";
import { Figures, Past } from "./figures.js";
import { History } from "./history.js";
import { ring } from "./pulse.js";
import { barWords, offsetOf, pulseOf, transportName } from "./words.js";

const LOOK_MS = 250; // between two looks at the figures
const REMIND_MS = 20_000; // for which the bar says what was made up for
const OVER = new Set(["ended", "stopped", "closed"]);
const CHOICES = [
  ["", "Automatic"],
  ["websocket", "WebSocket"],
  ["sse", "Event stream (SSE)"],
  ["poll", "Long poll"],
];
const RING_MEANS =
  "Since anything was heard. When the ring is full the connection counts as dead: 2.5 heartbeats.";

let panels = 0; // ids must differ between two panels of a page

class ConnectionPanel extends HTMLElement {
  #stream = null;
  #state = null;
  #history = new History();
  #due = 0; // when the next try is
  #ticking = 0;
  #ears = null;

  connectedCallback() {
    if (!this.firstChild) this.#build(`connection-${(panels += 1)}`);
    this.#ears = new AbortController();
    const { signal } = this.#ears;
    const network = ({ type }) => this.#network(type === "online");
    globalThis.addEventListener("online", network, { signal });
    globalThis.addEventListener("offline", network, { signal });
    document.addEventListener("visibilitychange", () => this.#tick(), { signal });
    this.#tick();
  }

  disconnectedCallback() {
    this.#ears.abort();
    clearTimeout(this.#ticking);
  }

  /** @param {object | null} stream of the client; another one begins another history */
  follow(stream) {
    this.#stream = stream;
    this.#state = null;
    this.#due = 0;
    this.#history = new History();
    if (stream?.state) this.showState(stream.state);
    else this.#tick();
  }

  /** @param {import("../../client/state.js").State} state each one, in order */
  showState(state) {
    if (state === this.#state) return;
    this.#state = state;
    const cursor = this.#stream?.cursor ?? "";
    const now = { at: Date.now(), cursor };
    this.#history.count(this.#stream?.counts ?? {}, now);
    this.#history.note(state, now);
    this.#due = state.retryInMs > 0 ? performance.now() + state.retryInMs : 0;
    if (state.preferred !== undefined) this.transport = state.preferred;
    this.#tick();
  }

  /** Whether it is unfolded. */
  get open() {
    return this.#toggle.getAttribute("aria-expanded") === "true";
  }

  set open(open) {
    this.#toggle.setAttribute("aria-expanded", String(Boolean(open)));
    this.#body.hidden = !open;
    this.#tick();
  }

  /** The transport that is chosen, null: automatic. Setting it fires nothing. */
  get transport() {
    return this.#choice.querySelector("input:checked").value || null;
  }

  set transport(name) {
    const input = [...this.#choice.elements].find(({ value }) => value === (name ?? ""));
    if (input) input.checked = true;
  }

  // -- looking and drawing

  #tick() {
    clearTimeout(this.#ticking);
    if (!this.isConnected) return;
    this.#draw();
    const still = this.#state === null || (OVER.has(this.#state.name) && !this.#reminds());
    if (!still && !document.hidden) this.#ticking = setTimeout(() => this.#tick(), LOOK_MS);
  }

  #draw() {
    const facts = this.#look();
    this.#drawBar(facts);
    this.#past.show(this.#history);
    this.#figures.show(facts);
  }

  #look() {
    const [stream, state] = [this.#stream, this.#state];
    const cursor = stream?.cursor ?? "";
    const offset = offsetOf(cursor);
    const end = Math.max(stream?.last ?? state?.last ?? 0, offset ?? 0);
    const counts = stream?.counts ?? {};
    if (stream) this.#history.count(counts, { at: Date.now(), cursor });
    return {
      state,
      counts,
      cursor,
      end,
      behind: offset === null ? (state?.behind ?? 0) : end - offset,
      heardMs: state?.name === "live" ? (stream?.heardAgeMs ?? null) : null,
      heartbeatMs: stream?.heartbeatMs ?? null,
      deadAfterMs: stream?.deadAfterMs ?? null,
      leftMs: Math.max(0, this.#due - performance.now()),
      offline: navigator.onLine === false,
    };
  }

  #drawBar(facts) {
    const { state, behind, cursor, heardMs } = facts;
    const { tone, words, detail } = barWords(state, facts);
    this.dataset.state = state?.name ?? "none";
    this.dataset.tone = tone;
    setText(this.#words, words);
    setText(this.#detail, detail);
    setText(this.#briefs.transport, state ? transportName(state.transport) : "–");
    setText(this.#briefs.cursor, cursor || "–");
    setText(this.#briefs.lag, state ? count(behind) : "–");
    const pulse = pulseOf(heardMs, facts);
    this.#ring.show(pulse);
    setText(this.#age, pulse.text);
    this.#cut.disabled = state?.name !== "live";
    this.#remind();
  }

  #reminds() {
    const { recovered } = this.#history;
    return recovered !== null && Date.now() - recovered.at < REMIND_MS;
  }

  #remind() {
    const reminds = this.#reminds();
    if (this.#made.hidden === reminds) this.#made.hidden = !reminds;
    if (!reminds) return;
    const { missed } = this.#history.recovered;
    setText(this.#missed, missed > 0 ? count(missed) : "nothing");
    setText(this.#kind, missed > 0 ? ` missed ${missed === 1 ? "event" : "events"}` : "");
    setText(this.#rest, missed > 0 ? " made up for" : " was missed");
  }

  #network(online) {
    const follows = this.#state !== null && !OVER.has(this.#state.name);
    if (follows) this.#history.network(online, { at: Date.now() });
    this.#tick();
  }

  // -- making

  #words = element("span", "words");
  #detail = element("span", "detail figures");
  #missed = element("span");
  #kind = element("span", "kind");
  #rest = element("span");
  #made = element("span", "made-up");
  #briefs = {
    transport: element("span", "value"),
    cursor: element("span", "value mono"),
    lag: element("span", "value figures"),
  };
  #ring = ring();
  #age = element("span", "age figures");
  #toggle = button("", "plain toggle", () => (this.open = !this.open));
  #body = element("div", "unfolded");
  #figures = new Figures();
  #past;
  #choice = element("fieldset", "choice", element("legend", "", "Connect over"));
  #cut = button("Cut the connection", "danger cut", () => fire(this, "cut"));

  #build(id) {
    this.#past = new Past(`${id}-past`);
    this.#body.id = id;
    this.#body.hidden = true;
    this.#body.append(this.#figures.node, this.#ways(id), this.#past.node);
    this.#toggle.append(element("span", "name", "Connection"), icon("M3 6l5 5 5-5"));
    this.#toggle.setAttribute("aria-expanded", "false");
    this.#toggle.setAttribute("aria-controls", id);
    this.append(this.#bar(), this.#body);
  }

  #bar() {
    const dot = element("span", "dot");
    dot.setAttribute("aria-hidden", "true");
    for (const told of [this.#words, this.#made]) told.setAttribute("role", "status");
    this.#made.hidden = true;
    this.#made.append(icon("M3 8.5 6.5 12 13 4.5"), this.#missed, this.#kind, this.#rest);
    const briefs = Object.entries(this.#briefs).map(([name, value]) => {
      const brief = element("span", "brief", element("span", "label", name), " ", value);
      brief.dataset.brief = name;
      return brief;
    });
    const heard = element("span", "spoken", "last heard");
    const pulse = element("span", "brief pulse", heard, this.#ring.node, this.#age);
    pulse.title = RING_MEANS;
    const say = element("span", "say", this.#words, this.#detail);
    return element("div", "bar", dot, say, this.#made, ...briefs, pulse, this.#toggle);
  }

  #ways(id) {
    for (const [value, label] of CHOICES) {
      const input = element("input");
      Object.assign(input, { type: "radio", name: `${id}-over`, value, checked: value === "" });
      this.#choice.append(element("label", "", input, label));
    }
    this.#choice.addEventListener("change", ({ target }) => {
      fire(this, "transport", { name: target.value || null });
    });
    const why = button("Why do I see nothing?", "why", () => fire(this, "diagnose"));
    return element("div", "ways", this.#choice, element("div", "actions", this.#cut, why));
  }
}

function icon(d) {
  const line = { d, fill: "none", stroke: "currentColor", "stroke-width": 1.8 };
  const box = { viewBox: "0 0 16 16", width: 12, height: 12, "aria-hidden": "true" };
  return svg("svg", box, svg("path", line));
}

customElements.define("connection-panel", ConnectionPanel);
