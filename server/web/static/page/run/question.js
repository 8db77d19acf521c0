// One question of a run: a form while it waits, a line once it is answered.

import { button, element, fire, keysOf, setText } from "../dom.js";
import { colourOf, plain } from "../format.js";
import { fieldsFor } from "../start/fields.js";
import { isObject, write } from "../start/exact.js";
import { shapeOf } from "../start/schema.js";

const ANYTHING = { anyOf: [{ type: "string", title: "text" }, { title: "JSON" }] };
const LONGEST = 400; // characters of an answer that are shown
let ids = 0;

export class Question {
  #run;
  #request;
  #sent = false; // from here
  #sending = false;

  constructor(run, { request, prompt, schema, agent, offset }) {
    this.#run = run;
    this.#request = request;
    this.state = "pending";
    this.prompt = element("p", "question-prompt", plain(prompt) || "The run asks for an input.");
    this.prompt.id = `question-${(ids += 1)}`;
    this.problem = element("p", "problem");
    this.problem.setAttribute("role", "alert");
    this.node = element("section", "question", this.#head(agent, offset), this.prompt);
    this.node.setAttribute("aria-labelledby", this.prompt.id);
    this.node.dataset.request = request;
    this.form = element("form", "question-form");
    this.form.noValidate = true;
    this.#ask(schema ?? null);
    this.node.append(this.form, this.problem);
    this.#listen();
  }

  /** @param {{state: "pending"|"answered"|"void", value: unknown, endOffset?: number}} question */
  update({ state, value, endOffset }) {
    if (state === this.state) return;
    this.state = state;
    this.#send(false);
    this.node.dataset.state = state;
    if (state === "pending") return;
    const where = Number.isInteger(endOffset) ? ` (event ${endOffset})` : "";
    const words = element("p", "question-answer");
    if (state === "void") words.append("not answered: the run has ended");
    else {
      const who = this.#sent ? "from here" : "by somebody";
      words.append("answered: ", element("code", "", brief(value)), ` ${who}${where}`);
    }
    this.form.replaceWith(words);
    this.problem.remove();
  }

  refused(message, path) {
    if (this.state !== "pending") return;
    this.#sent = false;
    this.#send(false);
    if (!path || !this.fields) setText(this.problem, message);
    else this.fields.complain(path, message, this.node.contains(document.activeElement));
  }

  focus() {
    if (this.fields) this.fields.focus();
    else this.buttons[0].focus();
  }

  #head(agent, offset) {
    const head = element(
      "div",
      "question-head",
      element("span", "question-mark", "Waiting for an answer"),
    );
    if (agent) head.append(element("span", `agent ${colourOf(agent)}`, agent));
    head.append(element("span", "soft figures", `event ${offset}`));
    return head;
  }

  /** Yes and no are two buttons, and so are a few words to choose from: one press answers. */
  #ask(schema) {
    const options = optionsOf(schema);
    if (options) {
      this.buttons = options.map(([value, label]) => {
        const main = value === true ? "primary" : "";
        return button(label, main, () => this.#answer(value));
      });
      const row = element("div", "question-buttons", ...this.buttons);
      row.setAttribute("role", "group");
      row.setAttribute("aria-labelledby", this.prompt.id);
      this.form.append(row);
      return;
    }
    const label = this.prompt.textContent;
    this.fields = fieldsFor(schema ?? ANYTHING, undefined, {
      label,
      onEdit: () => setText(this.problem, ""),
    });
    this.send = element("button", "primary", "Answer");
    const keys = keysOf("question-keys", "Ctrl", "Enter");
    this.form.append(this.fields.node, element("div", "question-foot", this.send, keys));
    this.buttons = [this.send];
  }

  #listen() {
    this.form.addEventListener("submit", (submit) => {
      submit.preventDefault();
      if (this.#sending || !this.fields) return;
      setText(this.problem, "");
      if (!this.fields.check().length) this.#answer(this.fields.value());
    });
    this.form.addEventListener("keydown", (press) => {
      if (press.key !== "Enter" || !(press.ctrlKey || press.metaKey) || press.isComposing) return;
      press.preventDefault();
      press.stopPropagation(); // or it would start a run as well
      this.form.requestSubmit();
    });
  }

  #answer(value) {
    if (this.#sending || this.state !== "pending") return;
    setText(this.problem, "");
    this.#sent = true;
    this.#send(true);
    fire(this.node, "answer", { run: this.#run, request: this.#request, value });
  }

  #send(sending) {
    this.#sending = sending;
    this.node.toggleAttribute("data-sending", sending);
    for (const each of this.buttons) {
      // Not `disabled`: the focus would be lost, and with it the reader's place.
      each.setAttribute("aria-disabled", String(sending));
    }
    if (this.send) setText(this.send, sending ? "Sending…" : "Answer");
  }
}

/** @returns {[unknown, string][] | null} the answers, where a button for each says all */
function optionsOf(schema) {
  const { kind, options, labels, nullable } = shapeFor(schema);
  if (kind === "boolean" && !nullable)
    return [
      [true, "Yes"],
      [false, "No"],
    ];
  const few = kind === "choice" && !nullable && options.length <= 5;
  return few && labels.join("").length < 60
    ? options.map((option, at) => [option, labels[at]])
    : null;
}

/** What a workflow gives as a schema may be anything. */
function shapeFor(schema) {
  try {
    return shapeOf(isObject(schema) ? schema : {}, schema);
  } catch {
    return { kind: "json" };
  }
}

function brief(value) {
  const text = write(value ?? null);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
