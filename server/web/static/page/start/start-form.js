// <start-form>: which workflow, with which input, in which session.
//
//   show(workflows)                      as `listWorkflows` gives them; again when they change
//   open({workflow?, input?, session?})  chooses, fills in and takes the focus
//   refused(message, path?)              the server's word on the last start, at its field
//   done()                               the run was started
//
// Fires `start` {workflow, input, session}: `input` may hold `Exact` numbers (see exact.js), which
// `startRun` sends as they are; `session` is null for a new one. What was typed for each workflow
// stays as long as the element.

import { button, element, fire, keysOf, setText } from "../dom.js";
import { write } from "./exact.js";
import { editorFor } from "./editor.js";
import { WorkflowList } from "./workflow-list.js";

const ID = /^[A-Za-z0-9_-]{1,64}$/;

class StartForm extends HTMLElement {
  #workflows = null; // null until they are known
  #editors = new Map(); // workflow → {editor, schema: its text}
  #listed = ""; // the workflows, as text
  #chosen = null;
  #wanted = null; // what open() asked for before the workflows were known
  #busy = false;

  constructor() {
    super();
    this.choices = new WorkflowList((name) => this.#choose(name));
  }

  connectedCallback() {
    if (!this.form) this.#build();
  }

  show(workflows) {
    const listed = write(workflows);
    if (listed === this.#listed) return; // the same again: whoever is typing is left alone
    this.#listed = listed;
    this.#workflows = new Map(workflows.map((workflow) => [workflow.name, workflow]));
    this.choices.show(workflows);
    this.removeAttribute("aria-busy");
    const wanted = this.#wanted;
    this.#wanted = null;
    const first = workflows.find(({ error }) => !error)?.name ?? null;
    if (wanted) this.open(wanted);
    else this.#choose(this.#startable(this.#chosen) ? this.#chosen : first);
  }

  open({ workflow, input, session } = {}) {
    if (!this.#workflows) {
      this.#wanted = { workflow, input, session };
      return;
    }
    this.#say("");
    if (session !== undefined) this.session.value = session ?? "";
    this.more.open = this.session.value !== "";
    if (workflow !== undefined && !this.#startable(workflow)) {
      this.#say(`The workflow “${workflow}” cannot be started here now.`);
    } else if (workflow !== undefined) {
      if (input !== undefined) this.#editors.set(workflow, this.#editorOf(workflow, input));
      this.#choose(workflow);
      this.#editor.focus();
      this.head.scrollIntoView({ block: "start" });
      return;
    }
    this.choices.focus();
  }

  refused(message, path = null) {
    this.#work(false);
    if (path) this.#editor?.complain(path, message);
    this.#say(message);
    if (!path) this.start.focus();
  }

  done() {
    this.#work(false);
    this.#say("");
    this.session.value = "";
  }

  get #editor() {
    return this.#editors.get(this.#chosen)?.editor;
  }

  #build() {
    this.place = element("div", "start-input");
    this.head = element("div", "start-head");
    this.session = element("input", "mono");
    Object.assign(this.session, { type: "text", autocomplete: "off", spellcheck: false });
    this.session.placeholder = "a new one";
    this.more = element("details", "start-more", element("summary", "", "Session"));
    const about =
      "In which session the run is: empty for a new one, or the id of one where no run is active.";
    this.sessionProblem = element("p", "problem");
    const hint = element("p", "field-about", about);
    [hint.id, this.sessionProblem.id] = ["start-session-about", "start-session-problem"];
    const label = element("label", "", element("span", "field-name", "id"), this.session);
    this.session.setAttribute("aria-describedby", `${hint.id} ${this.sessionProblem.id}`);
    this.more.append(hint, label, this.sessionProblem);
    this.problem = element("p", "problem");
    this.problem.setAttribute("role", "alert");
    this.start = element("button", "primary start-button", "Start");
    const keys = keysOf("start-keys", "Ctrl", "Enter");
    const foot = element("div", "start-foot", this.problem, keys, this.start);
    const pane = element("div", "start-pane", this.head, this.place, this.more);
    this.form = element(
      "form",
      "start",
      element("div", "start-body", this.choices.node, pane),
      foot,
    );
    this.form.noValidate = true;
    this.append(this.form);
    this.setAttribute("aria-busy", "true");
    this.place.append(element("p", "soft", "Asking for the workflows…"));
    this.start.disabled = true;
    this.#listen();
  }

  #listen() {
    this.addEventListener("keydown", (press) => {
      if (press.key !== "Enter" || press.isComposing) return;
      const meant = press.ctrlKey || press.metaKey;
      // A run is not to be started by the Enter that ends a line.
      if (meant || press.target.matches("input, select")) press.preventDefault();
      if (meant) this.form.requestSubmit();
    });
    this.form.addEventListener("submit", (submit) => {
      submit.preventDefault();
      if (!this.#busy) this.#submit();
    });
    this.form.addEventListener("input", () => this.#say(""));
    this.session.addEventListener("input", () => this.#complainOfSession(""));
  }

  #startable(name) {
    const found = this.#workflows.get(name);
    return Boolean(found && !found.error);
  }

  #choose(name) {
    this.#chosen = name;
    this.choices.mark(name);
    this.start.disabled = name === null || this.#busy;
    this.#say("");
    if (name === null) {
      const words = "No workflow can be started: see the settings of the server.";
      this.head.replaceChildren();
      this.place.replaceChildren(element("p", "soft", words));
      return;
    }
    const { description, schema } = this.#workflows.get(name);
    const known = this.#editors.get(name);
    if (known?.schema !== write(schema)) {
      // Another schema under the name: what was typed is carried over as far as it is a value.
      this.#editors.set(name, this.#editorOf(name, known?.editor.value()));
    }
    const title = element("h2", "start-title mono", name);
    this.head.replaceChildren(title, element("p", "soft", description));
    const { node } = this.#editor;
    if (this.place.firstChild !== node) this.place.replaceChildren(node);
  }

  #editorOf(name, input) {
    const { schema } = this.#workflows.get(name);
    return { editor: editorFor(schema, input), schema: write(schema) };
  }

  #submit() {
    const editor = this.#editor;
    if (!editor) return;
    const session = this.session.value.trim();
    const wrongs = editor.check();
    const wrongSession = session !== "" && !ID.test(session);
    this.#complainOfSession(wrongSession ? "An id has 1 to 64 letters, digits, - and _." : "");
    if (wrongs.length || wrongSession) {
      if (!wrongs.length) this.session.focus();
      const count = wrongs.length + Number(wrongSession);
      this.#say(count === 1 ? "One value is not right yet." : `${count} values are not right yet.`);
      return;
    }
    this.#say("");
    this.#work(true);
    const input = editor.value() ?? {};
    fire(this, "start", { workflow: this.#chosen, input, session: session || null });
  }

  #complainOfSession(message) {
    setText(this.sessionProblem, message);
    if (message) {
      this.more.open = true;
      this.session.setAttribute("aria-invalid", "true");
    } else this.session.removeAttribute("aria-invalid");
  }

  /** While the server is asked, a second press starts no second run. */
  #work(busy) {
    this.#busy = busy;
    this.start.disabled = busy || this.#chosen === null;
    setText(this.start, busy ? "Starting…" : "Start");
    this.toggleAttribute("data-busy", busy);
  }

  #say(message) {
    setText(this.problem, message);
  }
}

customElements.define("start-form", StartForm);
