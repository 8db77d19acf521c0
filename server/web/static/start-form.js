// <start-form>: the workflows and an input for one. Fires `start` with {workflow, input}.

import { element } from "./body.js";
import { prefill } from "./prefill.js";

class StartForm extends HTMLElement {
  #workflows = [];
  #inputs = new Map(); // workflow → what the reader has typed for it

  connectedCallback() {
    this.form = element("form");
    this.choice = element("fieldset");
    this.choice.append(element("legend", "", "Workflow"));
    this.list = element("div", "workflows");
    this.choice.append(this.list);
    this.input = element("textarea");
    this.input.name = "input";
    this.input.rows = 8;
    this.input.spellcheck = false;
    const label = element("label", "", "Input (JSON)");
    label.append(this.input);
    this.problem = element("p", "problem");
    this.problem.setAttribute("role", "alert");
    this.button = element("button", "start", "Start the run");
    this.form.append(this.choice, label, this.problem, this.button);
    this.append(this.form);
    this.#listen();
  }

  /** @param {{name: string, description: string, schema: object, error?: string}[]} workflows */
  show(workflows) {
    this.#workflows = workflows;
    this.list.replaceChildren(...workflows.map(optionOf));
    const first = workflows.find(({ error }) => !error);
    this.button.disabled = !first;
    if (!first) this.complain("No workflow can be started: see WORKFLOWS in the README.");
    else this.#choose(first.name);
  }

  /** @param {string} words empty to take the last complaint back */
  complain(words) {
    this.problem.textContent = words;
  }

  #listen() {
    this.list.addEventListener("change", ({ target }) => this.#choose(target.value));
    this.input.addEventListener("input", () => this.#inputs.set(this.chosen, this.input.value));
    this.input.addEventListener("keydown", (press) => {
      if (press.key === "Enter" && (press.ctrlKey || press.metaKey)) this.form.requestSubmit();
    });
    this.form.addEventListener("submit", (submit) => {
      submit.preventDefault();
      this.#start();
    });
  }

  #choose(name) {
    this.chosen = name;
    for (const radio of this.list.querySelectorAll("input")) radio.checked = radio.value === name;
    const { schema } = this.#workflows.find((workflow) => workflow.name === name);
    this.input.value = this.#inputs.get(name) ?? JSON.stringify(prefill(schema) ?? {}, null, 2);
    this.complain("");
  }

  #start() {
    this.complain("");
    try {
      const input = JSON.parse(this.input.value.trim() || "{}");
      const detail = { workflow: this.chosen, input };
      this.dispatchEvent(new CustomEvent("start", { detail }));
    } catch (error) {
      this.complain(`The input is not JSON: ${error.message}`);
      this.input.focus();
    }
  }
}

function optionOf({ name, description, error }) {
  const option = element("label", "workflow");
  const radio = element("input");
  Object.assign(radio, { type: "radio", name: "workflow", value: name, disabled: Boolean(error) });
  const words = element("span", error ? "wrong" : "", error || description);
  option.append(radio, element("code", "", name), words);
  return option;
}

customElements.define("start-form", StartForm);
