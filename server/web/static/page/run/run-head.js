// <run-head>: what matters about a run, on top. Fires `cancel` {run}, `again` {workflow, input} and
// `choose` {run}; runs are named by their ids.

import { button, element, fire, setText, svg } from "../dom.js";
import { clock, colourOf, count, duration } from "../format.js";
import { fold } from "./fold.js";
import { brief } from "./reading.js";
import { ICONS, STATES, troubleOf } from "./state.js";

const CHIPS = 5;
const SECOND = 1000;
const COPIED_MS = 2000;

class RunHead extends HTMLElement {
  #run = null;
  #runs = [];
  #skew = 0; // the server's clock less this one's
  #asked = null; // the run that was asked to end
  #timer = 0;
  #told = {}; // what was drawn last, of what is drawn only when it has changed

  connectedCallback() {
    if (this.state) return;
    this.append(this.#top(), this.#going(), this.#outcome());
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", "Run");
    document.addEventListener("visibilitychange", () => this.#tick());
    this.#draw();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  /**
   * Shows a run, or what is new in it.
   *
   * @param {import("./run-outline.js").RunOutline | null} run null: the session waits for one
   * @param {{session?: string, runs?: object[], now?: number}} [about] `runs`: all of the session,
   *   oldest first; `now`: the server's clock, ms since 1970, where it is known
   */
  show(run, { session = "", runs = run ? [run] : [], now } = {}) {
    if (Number.isFinite(now)) this.#skew = now - Date.now();
    if (run?.id !== this.#run?.id) this.#told = {};
    if (run?.state !== "running" || run.id !== this.#asked) this.#asked = null;
    [this.#run, this.#runs] = [run, runs];
    this.session = session;
    if (this.state) this.#draw();
  }

  /** Says that something did not work; a cancel that was asked for can be asked for again. */
  complain(words) {
    this.#asked = null;
    setText(this.problem, words);
    this.#draw();
  }

  #top() {
    this.state = element("p", "state");
    this.name = element("h2", "workflow");
    this.chooser = element("select", "runs");
    this.chooser.setAttribute("aria-label", "Run of this session");
    const choose = () => fire(this, "choose", { run: this.chooser.value });
    this.chooser.addEventListener("change", choose);
    this.elapsed = element("p", "elapsed figures");
    this.since = element("p", "since soft figures");
    const time = element("div", "time", this.elapsed, this.since);
    const title = element("div", "title", this.name, this.chooser);
    return element("div", "top", this.state, time, title, this.#actions());
  }

  #actions() {
    this.cancel = button("Cancel", "danger", () => this.#sure(true));
    this.yes = button("Cancel the run", "danger sure", () => this.#cancel());
    this.no = button("Keep it running", "sure", () => this.#sure(false));
    this.again = button("Start again", "", () => {
      const { workflow, input } = this.#run;
      fire(this, "again", { workflow, input });
    });
    this.again.title = "Start again with the same input";
    this.link = button("Copy link", "", () => this.#copy());
    this.problem = element("p", "problem");
    this.problem.setAttribute("role", "alert");
    const all = [this.cancel, this.yes, this.no, this.again, this.link];
    return element("div", "actions", ...all, this.problem);
  }

  #going() {
    this.bar = element("progress");
    this.bar.setAttribute("aria-label", "Progress");
    this.steps = element("span", "steps figures");
    this.step = element("span", "step");
    this.progress = element("div", "progress", this.bar, this.steps, this.step);
    this.agents = element("ul", "agents");
    this.agents.setAttribute("aria-label", "At work");
    this.going = element("div", "going", this.progress, this.agents);
    return this.going;
  }

  #outcome() {
    this.trouble = element("div", "trouble");
    this.folds = element("div", "folds");
    this.outcome = element("div", "outcome", this.trouble, this.folds);
    return this.outcome;
  }

  #draw() {
    const run = this.#run;
    const state = run?.state ?? "waiting";
    this.dataset.state = state;
    this.#once("state", state, () => {
      const icon = svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" });
      icon.append(svg("path", { d: ICONS[state] }));
      this.state.replaceChildren(icon, STATES[state]);
      this.state.className = `state is-${state}`;
    });
    setText(this.name, run ? run.workflow || run.id : "No run yet");
    this.name.title = run?.id ?? "";
    this.#drawChooser();
    this.#drawActions();
    this.#drawProgress();
    this.#drawAgents();
    this.#drawOutcome();
    this.#tick();
  }

  #drawChooser() {
    const words = this.#runs.map(({ id, workflow, state, started }, index) => [
      id,
      `${index + 1} of ${this.#runs.length}: ${workflow || id}, ${STATES[state].toLowerCase()}, ` +
        `${clock(started).slice(0, 5)}`,
    ]);
    this.chooser.hidden = words.length < 2;
    if (this.chooser.hidden) return;
    this.#once("runs", JSON.stringify(words), () => {
      const options = words.map(([id, label]) => new Option(label, id));
      this.chooser.replaceChildren(...options.reverse());
    });
    this.chooser.value = this.#run?.id ?? "";
  }

  #drawActions() {
    const running = this.#run?.state === "running";
    if (!running) this.classList.remove("asks");
    const asks = this.classList.contains("asks");
    const asked = running && this.#asked === this.#run.id;
    this.cancel.hidden = !running || asks;
    this.cancel.disabled = asked;
    setText(this.cancel, asked ? "Cancelling…" : "Cancel");
    this.yes.hidden = this.no.hidden = !asks;
    this.again.hidden = running || !this.#run?.workflow || this.#run.input === undefined;
    this.link.hidden = asks || !this.#run;
  }

  #drawProgress() {
    const { progress } = this.#run ?? {};
    this.progress.hidden = !progress;
    this.going.hidden = !progress && Number.isFinite(this.#run?.ended);
    if (!progress) return;
    const { done, total, label } = progress;
    if (total > 0) {
      this.bar.max = total;
      this.bar.value = Math.min(done, total);
    } else this.bar.removeAttribute("value");
    setText(this.steps, total > 0 ? `${count(done)} / ${count(total)}` : count(done));
    setText(this.step, label);
  }

  #drawAgents() {
    const open = this.#run?.current ?? [];
    const shown = open.slice(-CHIPS).reverse();
    this.#once("agents", open.map(({ offset }) => offset).join(), () => {
      const chips = shown.map((span) => {
        const since = element("span", "since figures");
        since.dataset.start = span.start;
        const agent = element("span", "agent", span.agent);
        const chip = element("li", colourOf(span.agent), agent, element("span", "task"), since);
        chip.children[1].textContent = span.task;
        chip.title = [span.agent, span.task].filter(Boolean).join(": ");
        return chip;
      });
      const more = open.length - shown.length;
      if (more > 0) chips.unshift(element("li", "more", `${count(more)} more`));
      this.agents.replaceChildren(...chips);
    });
  }

  #drawOutcome() {
    const run = this.#run;
    this.#once("outcome", `${run?.id} ${run?.state} ${run?.workflow}`, () => {
      const trouble = run ? troubleOf(run) : null;
      this.trouble.replaceChildren(...(trouble ? troubleNodes(trouble) : []));
      this.folds.replaceChildren(...(run ? foldsOf(run) : []));
    });
  }

  #once(part, key, draw) {
    if (this.#told[part] === key) return;
    this.#told[part] = key;
    draw();
  }

  /** The times, each second while the run goes on. */
  #tick() {
    clearTimeout(this.#timer);
    const run = this.#run;
    if (run === null) {
      setText(this.elapsed, "");
      setText(this.since, "");
      return;
    }
    const now = Math.max(Date.now() + this.#skew, run.updated);
    const seconds = ((run.ended ?? now) - run.started) / SECOND;
    const going = run.ended === null;
    setText(this.elapsed, going ? whole(seconds) : duration(seconds));
    setText(this.since, `${going ? "since" : "at"} ${clock(run.started).slice(0, 8)}`);
    for (const since of this.agents.querySelectorAll(".since")) {
      setText(since, whole((now - Number(since.dataset.start)) / SECOND));
    }
    if (!going || !this.isConnected || document.visibilityState === "hidden") return;
    this.#timer = setTimeout(() => this.#tick(), SECOND - ((now - run.started) % SECOND) + 5);
  }

  #sure(asks) {
    this.classList.toggle("asks", asks);
    this.#drawActions();
    (asks ? this.yes : this.cancel).focus();
  }

  #cancel() {
    this.#asked = this.#run.id;
    this.#sure(false);
    setText(this.problem, "");
    fire(this, "cancel", { run: this.#run.id });
  }

  async #copy() {
    const copied = await navigator.clipboard?.writeText(location.href).then(
      () => true,
      () => false,
    );
    setText(this.link, copied ? "Copied" : "Copy it from the address bar");
    setTimeout(() => setText(this.link, "Copy link"), COPIED_MS);
  }
}

/** Of what goes on: in whole seconds, or each tick would change the width too. */
function whole(seconds) {
  return duration(Math.max(0, Math.floor(seconds))).replace(/\.0+ /, " ");
}

function resultOf(result) {
  if (result !== undefined) return fold("Result", result, brief(result, 300));
  return element("p", "fold soft", "The result is too long to keep here: the last event has it.");
}

function foldsOf({ state, input, result, error }) {
  const folds = input === undefined ? [] : [fold("Input", input, brief(input, 300))];
  if (state === "running") folds.push(element("p", "fold soft", "The result comes here."));
  if (state === "complete") folds.push(resultOf(result));
  if (![undefined, null, ""].includes(error?.detail)) folds.push(fold("Detail", error.detail));
  return folds;
}

function troubleNodes({ flavour, words, code, message }) {
  const line = element("p", `words is-${flavour}`, element("strong", "", words));
  if (code) line.append(" ", element("code", "", code));
  return message ? [line, element("p", "message", message)] : [line];
}

customElements.define("run-head", RunHead);
