// One value's place in a form: its name, what is wanted, its control, and what is wrong with it.
//
//   absent   left out, so that the server's default holds; the control shows the default
//   null     none, chosen
//   value    what the control holds
//
// Only what a reader did, or what was given, is ever sent.

import { button, element, setText } from "../dom.js";
import { draw } from "./kinds.js";
import { write } from "./exact.js";
import { fits, shapeOf } from "./schema.js";
import { describe } from "./words.js";

const DEEPEST = 8; // below it a value is edited as JSON: a schema may contain itself
const OWN_NONE = ["choice", "boolean", "union"]; // kinds whose control offers "none" itself
const FOLDING = ["list", "tuple", "object", "json"]; // are a button until they hold something
const BEGUN = ["list", "checks", "object", "constant", "tuple", "union"]; // there, where required
let ids = 0;

export class Slot {
  #given;
  #state = "absent";
  #kept = null; // the control that "none" has put away
  complaint = "";

  /**
   * @param {object} given
   * @param {object | boolean} given.schema
   * @param {object} given.root what references start from
   * @param {string} given.name
   * @param {boolean} given.required
   * @param {unknown} [given.value] undefined where there is none
   * @param {"full" | "bare"} [given.look] bare: its place says already what it is
   * @param {string} [given.label] a name for who cannot see that place
   * @param {number} [given.depth]
   * @param {() => void} [given.onEdit]
   */
  constructor(given) {
    this.#given = { depth: 0, look: "full", onEdit: () => {}, ...given };
    const { schema, root, value, depth } = this.#given;
    const shape = shapeOf(schema, root);
    const drawn = depth > DEEPEST ? { ...shape, kind: "json" } : shape;
    this.id = `field-${(ids += 1)}`;
    this.shape = value === undefined || fits(drawn, value, root) ? drawn : asJson(drawn);
    this.#build();
    this.#begin(value);
  }

  get root() {
    return this.#given.root;
  }

  get depth() {
    return this.#given.depth;
  }

  get required() {
    return this.#given.required;
  }

  get state() {
    return this.#state;
  }

  /** Whether the schema says what holds where nothing is sent. */
  get hasDefault() {
    return "default" in this.shape.schema;
  }

  /** @returns {unknown} undefined where nothing is to be sent */
  read() {
    if (this.#state === "null") return null;
    return this.#state === "absent" ? undefined : this.control.get();
  }

  /** @returns {[string | number, Slot][]} a step of `""` is no step in a path */
  children() {
    return this.control?.children?.() ?? [];
  }

  /** @returns {{slot: Slot, message: string}[]} what is typed and cannot be read at all */
  malformed() {
    if (this.#state !== "value") return [];
    const here = this.control.malformed?.() ?? [];
    const own = typeof here === "string" ? [{ slot: this, message: here }] : here;
    return [...own, ...this.children().flatMap(([, child]) => child.malformed())];
  }

  /** Says what is wrong; empty takes it back. */
  complain(message) {
    this.complaint = message;
    setText(this.problem, message && message[0].toUpperCase() + message.slice(1));
    this.node.toggleAttribute("data-wrong", Boolean(message));
    this.#markTarget();
  }

  clear() {
    if (this.complaint) this.complain("");
    for (const [, child] of this.children()) child.clear();
  }

  focus() {
    if (this.control) this.control.focus();
    else this.setter.focus();
    // With its name, not only what has the focus; one that holds others is mostly too tall for that.
    if (!this.children().length) this.node.scrollIntoView({ block: "nearest" });
  }

  /** To be called by the control when the reader has changed something in it. */
  edited() {
    this.#state = this.control.blank?.() ? "absent" : "value";
    if (this.complaint) this.complain("");
    this.#tell();
    this.#given.onEdit();
  }

  /** @param {string} name its place has changed */
  rename(name) {
    setText(this.nameNode, name);
  }

  #build() {
    const { name, label = name, look } = this.#given;
    const { schema, kind } = this.shape;
    this.nameNode = element("label", look === "full" ? "field-name" : "spoken", label);
    this.note = element("span", "field-note");
    this.about = element("p", "field-about", schema.description ?? "");
    this.about.hidden = !schema.description || look === "bare";
    this.problem = element("p", "problem");
    const parts = {
      name: this.nameNode,
      note: this.note,
      about: this.about,
      problem: this.problem,
    };
    for (const [part, node] of Object.entries(parts)) node.id = `${this.id}-${part}`;
    this.none = button("none", "plain field-none", () => this.#setNone());
    this.undo = button("reset", "plain field-reset", () => this.#reset());
    this.none.setAttribute("aria-label", `none for ${label}`);
    this.undo.setAttribute("aria-label", `reset ${label}`);
    this.setter = button(`Set ${label}`, "field-set", () => this.#set());
    this.place = element("div", "field-place");
    this.node = element("div", "field", this.#head(), this.about, this.place, this.problem);
    Object.assign(this.node.dataset, { kind, look, name });
  }

  #head() {
    const { name, look } = this.#given;
    const {
      kind,
      schema: { title },
    } = this.shape;
    const head = element("div", "field-head", this.nameNode);
    if (look === "full" && kind !== "constant") {
      if (this.required) head.append(element("span", "field-needed", "needed"));
      const says = kind !== "object" && title && title.toLowerCase() !== name.toLowerCase();
      if (says) head.append(element("span", "field-title", title));
      head.append(element("span", "field-type", describe(this.shape, this.root)));
    }
    head.append(this.note, this.none, this.undo);
    return head;
  }

  #begin(value) {
    const { schema, kind, nullable } = this.shape;
    const named = this.hasDefault ? schema.default : schema.examples?.[0];
    const fitting = named !== undefined && fits(this.shape, named, this.root);
    const start = value === undefined && this.required && fitting ? named : value;
    if (start === null && nullable && !OWN_NONE.includes(kind)) this.#state = "null";
    else if (start !== undefined || (this.required && BEGUN.includes(kind))) this.#state = "value";
    this.#draw(start);
  }

  /** Where nothing is to be sent, the control shows what the server will take. */
  #draw(value) {
    const { schema, kind } = this.shape;
    const absent = this.#state === "absent";
    const shown = value === undefined && absent && this.hasDefault ? schema.default : value;
    const nothing = (shown ?? null) === null;
    const folds =
      FOLDING.includes(kind) && nothing && (absent ? !this.required : this.#state === "null");
    const empty = nothing && this.#state !== "value" && !OWN_NONE.includes(kind);
    const held = empty ? undefined : shown;
    const shape =
      held === undefined || fits(this.shape, held, this.root) ? this.shape : asJson(this.shape);
    this.#put(folds ? null : draw(this, shape, held));
  }

  #put(control) {
    this.control = control;
    this.place.replaceChildren(control ? control.node : this.setter);
    const target = this.control?.target;
    if (target) {
      target.setAttribute(
        "aria-describedby",
        `${this.about.id} ${this.note.id} ${this.problem.id}`,
      );
      if ("labels" in target) {
        target.id = this.id;
        this.nameNode.htmlFor = this.id;
      } else target.setAttribute("aria-labelledby", this.nameNode.id);
    }
    this.#markTarget();
    this.#tell();
  }

  /** Groups cannot be invalid or required in ARIA's sense; what is in them can. */
  #markTarget() {
    const target = this.control?.target;
    if (!target || !("labels" in target || target.getAttribute("role") === "radiogroup")) return;
    if (this.required) target.setAttribute("aria-required", "true");
    if (this.complaint) target.setAttribute("aria-invalid", "true");
    else target.removeAttribute("aria-invalid");
  }

  #tell() {
    const { kind, nullable, schema } = this.shape;
    const absent = this.#state === "absent";
    const noneHolds =
      this.#state === "null" || (absent && this.hasDefault && schema.default === null);
    this.node.dataset.state = absent && this.required ? "missing" : this.#state;
    this.none.hidden = !nullable || OWN_NONE.includes(kind) || noneHolds;
    this.undo.hidden = this.required || absent;
    setText(this.note, this.#words(noneHolds));
  }

  #words(noneHolds) {
    if (this.#state === "null") return "none";
    if (this.#state === "value") return this.control.note?.() ?? "";
    if (!this.hasDefault) return this.required ? "" : "left out";
    if (noneHolds) return "none by default";
    return this.control?.blank?.() ? `default: ${write(this.shape.schema.default)}` : "default";
  }

  #set() {
    const kept = this.#kept;
    this.#kept = null;
    this.#state = "value";
    if (kept) this.#put(kept);
    else this.#draw(undefined);
    this.edited();
    this.control.focus();
  }

  #setNone() {
    if (FOLDING.includes(this.shape.kind)) this.#kept = this.control;
    this.#state = "null";
    this.#after();
  }

  #reset() {
    this.#kept = null;
    this.#state = "absent";
    this.#after();
  }

  #after() {
    this.complain("");
    this.#draw(undefined);
    this.#given.onEdit();
    this.focus();
  }
}

/** A value that the kind's own control could not give back as it is. */
function asJson(shape) {
  return { ...shape, kind: "json" };
}
