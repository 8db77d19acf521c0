// <diagnosis-panel>: "Why do I see nothing?", the browser's own answers before the server's. It
// asks again every few seconds while it is to be seen. Fires `new`, `clearfilter`, `latest`, `cut`.
//
// Attributes, kept by whoever knows: `filtered` (which events a filter shows), `paused` (where the
// page stands, when that is not at the newest event). Absent or empty: neither is so.

import { button, element, setText } from "../dom.js";
import { clock } from "../format.js";
import { ask } from "./ask.js";
import { CheckList, sign } from "./check-list.js";
import { connectedCheck, filterCheck, placeCheck, reachCheck } from "./own.js";
import { serverChecks, verdictOf } from "./verdict.js";

const AGAIN_MS = 5000;
const NOTHING = { questions: [], verdict: "" };

class DiagnosisPanel extends HTMLElement {
  static observedAttributes = ["filtered", "paused"];

  #address = null;
  #stream = null;
  #run = null;
  #asking = null; // the call that is under way
  #reach = null; // of the last call
  #server = NOTHING; // the last answer, and when it was given
  #now = 0; // by the server's clock, when it answered
  #answeredAt = 0;
  #checkedAt = 0;
  #timer = 0;

  connectedCallback() {
    if (!this.firstChild) this.#build();
    document.addEventListener("visibilitychange", this.#seen);
    if (this.#address) this.#check();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#seen);
    this.#rest();
  }

  attributeChangedCallback() {
    if (this.#reach) this.#draw();
  }

  /**
   * Asks, and goes on asking while it is to be seen. Call it whenever it is opened.
   *
   * @param {string | URL | null} address the session's
   * @param {object} [about]
   * @param {object | null} [about.stream] the client's, for what this page knows of its connection
   * @param {object | null} [about.run] the RunOutline that is shown
   * @returns {Promise<void>} resolves when the answer is shown
   */
  async check(address, { stream = null, run = null } = {}) {
    if (String(address) !== String(this.#address)) {
      this.#server = NOTHING;
      this.#reach = null;
    }
    this.#address = address;
    this.#stream = stream;
    this.#run = run;
    await this.#check();
  }

  async #check() {
    this.#rest();
    if (!this.#address || !this.isConnected) return;
    const asking = (this.#asking = new AbortController());
    this.#again.setAttribute("aria-busy", "true");
    const answer = await ask(this.#address, asking.signal);
    if (answer === null || asking !== this.#asking) return;
    this.#asking = null;
    this.#again.removeAttribute("aria-busy");
    this.#checkedAt = Date.now();
    this.#reach = answer.reach;
    if (answer.body) {
      this.#server = answer.body;
      this.#now = answer.now;
      this.#answeredAt = this.#checkedAt;
    }
    this.#draw();
    this.#timer = setTimeout(() => this.#onceMore(), AGAIN_MS);
  }

  /** A closed dialog asks nothing; a tab in the background takes it up when it is looked at. */
  #onceMore() {
    if (!document.hidden && this.getClientRects().length > 0) this.#check();
  }

  #seen = () => {
    const due = Date.now() - this.#checkedAt >= AGAIN_MS;
    if (due && this.#asking === null) this.#onceMore();
  };

  #rest() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = null;
  }

  // -- drawing

  #draw() {
    const state = this.#stream?.state ?? null;
    const { cursor = "", last = null } = this.#stream ?? {};
    const connected = state?.name === "live";
    const own = connected ? { transport: state.transport, cursor } : null;
    const at = { now: this.#now, connected, own, run: this.#run };
    const mine = [
      reachCheck(this.#reach),
      connectedCheck(state, { cursor, last }),
      filterCheck(this.getAttribute("filtered")),
      placeCheck(this.getAttribute("paused")),
    ];
    const theirs = serverChecks(this.#server.questions, at);
    this.#mine.show(mine);
    this.#theirs.show(theirs);
    this.#drawVerdict(verdictOf([...mine, ...theirs], this.#server, at));
    this.#drawAge();
  }

  #drawVerdict({ tone, words, advice }) {
    this.#verdict.dataset.tone = tone;
    this.#verdict.firstChild.replaceChildren(sign(tone === "good" ? "yes" : "no"));
    setText(this.#words, words);
    setText(this.#advice, advice);
  }

  #drawAge() {
    const old = this.#reach.kind !== "answered";
    const known = this.#server.questions.length > 0;
    const then = clock(this.#answeredAt).slice(0, 8);
    const said = known ? `As it answered at ${then}.` : "It has not answered yet.";
    setText(this.#said, old ? said : "");
    this.#theirs.node.classList.toggle("old", old);
    setText(this.#checked, `checked at ${clock(this.#checkedAt).slice(0, 8)}`);
  }

  // -- making

  #verdict = element("div", "verdict");
  #words = element("p", "words", "Looking…");
  #advice = element("p", "advice");
  #mine = new CheckList();
  #theirs = new CheckList();
  #said = element("p", "soft");
  #again = button("Check again", "again", () => this.#check());
  #checked = element("span", "soft figures");

  #build() {
    this.#verdict.setAttribute("role", "status");
    this.#verdict.append(element("span", "sign"), element("div", "", this.#words, this.#advice));
    const foot = element("div", "foot", this.#again, this.#checked);
    this.append(
      element("h2", "", "Why do I see nothing?"),
      this.#verdict,
      element("section", "", element("h3", "", "This page"), this.#mine.node),
      element("section", "", element("h3", "", "The server"), this.#said, this.#theirs.node),
      foot,
    );
  }
}

customElements.define("diagnosis-panel", DiagnosisPanel);
