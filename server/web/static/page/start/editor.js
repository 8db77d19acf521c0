// The whole input of a workflow: as a form, and as JSON for who prefers it.

import { element, setText } from "../dom.js";
import { faultsOf, pathText } from "./check.js";
import { isObject, parse, write } from "./exact.js";
import { fieldsFor } from "./fields.js";
import { pick } from "./choices.js";
import { fits, prefill, shapeOf } from "./schema.js";

let ids = 0;

/**
 * @param {object | null} schema
 * @param {unknown} [value] undefined to begin with what the schema says
 * @returns {import("./fields.js").Fields}
 */
export function editorFor(schema, value) {
  return new Editor(schema ?? {}, value);
}

class Editor {
  #schema;
  #fields;
  #asJson = false;
  #shown = ""; // the text as it was when the form was left

  constructor(schema, value) {
    this.#schema = schema;
    this.#build();
    if (value === undefined || this.#fits(value)) this.#drawForm(value);
    else this.#showText(write(value, true));
    this.#setMode(!this.#fields);
  }

  value() {
    return this.#asJson ? this.#parsed().value : this.#fields.value();
  }

  check() {
    this.#complain("");
    if (!this.#asJson) return this.#fields.check();
    const { value, wrong } = this.#parsed();
    const faults = wrong ? [wrong] : faultsOf(this.#schema, value, this.#schema).map(sentence);
    if (faults.length) {
      this.#complain(faults.join("\n"));
      this.box.focus();
    }
    return faults;
  }

  complain(path, message) {
    if (!this.#asJson) return this.#fields.complain(path, message);
    this.#complain(message);
    return this.box.focus();
  }

  focus() {
    if (this.#asJson) this.box.focus();
    else this.#fields.focus();
  }

  #build() {
    const id = `editor-${(ids += 1)}`;
    this.picker = pick(["Form", "JSON"], 0, () => this.#switch());
    this.picker.node.setAttribute("aria-label", "edit the input as");
    this.box = element("textarea", "mono editor-text");
    Object.assign(this.box, { id, rows: 8, spellcheck: false });
    this.box.addEventListener("input", () => {
      this.#complain("");
      this.#tellLeftOut();
    });
    this.problem = element("p", "problem");
    this.problem.id = `${id}-problem`;
    this.leftOut = element("p", "soft editor-left-out");
    this.leftOut.id = `${id}-left-out`;
    const label = element("label", "spoken", "Input as JSON");
    label.htmlFor = id;
    this.box.setAttribute("aria-describedby", `${this.problem.id} ${this.leftOut.id}`);
    this.text = element("div", "editor-json", label, this.box, this.leftOut);
    this.form = element("div", "editor-form");
    const head = element("div", "editor-head", element("h3", "", "Input"), this.picker.node);
    this.node = element("div", "editor", head, this.form, this.text, this.problem);
  }

  #drawForm(value) {
    this.#fields = fieldsFor(this.#schema, value, { onEdit: () => this.#complain("") });
    const empty = shapeOf(this.#schema, this.#schema).kind === "object" && noFields(this.#schema);
    const nothing = element("p", "soft", "It takes no input.");
    this.form.replaceChildren(empty ? nothing : this.#fields.node);
  }

  #setMode(asJson) {
    this.#asJson = asJson;
    this.form.hidden = asJson;
    this.text.hidden = !asJson;
    const radios = this.picker.node.querySelectorAll("input");
    radios[Number(asJson)].checked = true;
  }

  #switch() {
    const toJson = this.picker.at() === 1;
    if (toJson === this.#asJson) return;
    this.#complain("");
    const refusal = toJson ? this.#toText() : this.#toForm();
    if (refusal) this.#complain(refusal);
    this.#setMode(refusal ? this.#asJson : toJson);
  }

  #toText() {
    if (this.#fields.malformed().length) {
      this.#fields.check();
      return "Mend this first: it cannot be written as JSON.";
    }
    this.#showText(write(withBlanks(this.#schema, this.#fields.value()), true));
    return "";
  }

  #toForm() {
    if (this.#fields && this.box.value === this.#shown) return "";
    const { value, wrong } = this.#parsed();
    if (wrong) return wrong;
    if (!this.#fits(value)) return this.#whyNot(value);
    this.#drawForm(value);
    return "";
  }

  #whyNot(value) {
    const [first] = faultsOf(this.#schema, value, this.#schema);
    return `The form cannot show this${first ? `: ${sentence(first)}` : "."}`;
  }

  #showText(text) {
    this.#shown = text;
    this.box.value = text;
    this.#tellLeftOut();
  }

  #parsed() {
    try {
      return { value: parse(this.box.value.trim() || "{}") };
    } catch (error) {
      return { value: undefined, wrong: `The input is not JSON: ${error.message}` };
    }
  }

  #fits(value) {
    return fits(shapeOf(this.#schema, this.#schema), value, this.#schema);
  }

  #complain(message) {
    setText(this.problem, message);
    if (message && this.#asJson) this.box.setAttribute("aria-invalid", "true");
    else this.box.removeAttribute("aria-invalid");
  }

  #tellLeftOut() {
    const { value } = this.#parsed();
    const properties = Object.entries(this.#schema.properties ?? {});
    const left = isObject(value) ? properties.filter(([name]) => !Object.hasOwn(value, name)) : [];
    const named = left.map(([name, field]) =>
      field && "default" in field ? `${name} (${write(field.default)})` : name,
    );
    setText(
      this.leftOut,
      named.length ? `Left out, so that defaults hold: ${named.join(", ")}` : "",
    );
  }
}

/** What is needed and not there yet, so that a reader of the JSON sees which names there are. */
function withBlanks(schema, value) {
  if (!isObject(value)) return value ?? prefill(schema);
  const properties = Object.entries(schema.properties ?? {});
  const shown = properties
    .filter(([name]) => Object.hasOwn(value, name) || schema.required?.includes(name))
    .map(([name, field]) => [
      name,
      Object.hasOwn(value, name) ? value[name] : prefill(field, schema),
    ]);
  return { ...Object.fromEntries(shown), ...value };
}

function noFields(schema) {
  return !Object.keys(schema.properties ?? {}).length && schema.additionalProperties === false;
}

function sentence({ path, message }) {
  return `${pathText(path) || "The input"} ${message}`;
}
