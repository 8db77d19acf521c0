// Rows of a name and a value: what an object holds beside the properties that its schema names.

import { button, element } from "../dom.js";
import { inner } from "./containers.js";

export class Entries {
  #slot;
  #schema;
  #rows = [];
  #place = element("ol", "field-rows");

  /**
   * @param {import("./slot.js").Slot} slot
   * @param {object | boolean} schema of each value
   * @param {[string, unknown][]} given
   */
  constructor(slot, schema, given) {
    this.#slot = slot;
    this.#schema = schema;
    this.more = button("+ Add an entry", "field-more", () => {
      this.#add("", undefined).key.focus();
      slot.edited();
    });
    for (const [name, value] of given) this.#add(name, value);
    this.node = element("div", "field-entries", this.#place, this.more);
  }

  get size() {
    return this.#rows.length;
  }

  get() {
    return this.#rows.map((row) => [row.key.value, row.slot.read()]);
  }

  children() {
    return this.#rows.map((row) => [row.key.value, row.slot]);
  }

  /** @param {string[]} taken names that stand for properties of their own */
  malformed(taken) {
    return this.#rows
      .map((row, index) => ({ slot: row.slot, message: this.#wrong(row, index, taken) }))
      .filter(({ message }) => message);
  }

  focus() {
    (this.#rows[0]?.key ?? this.more).focus();
  }

  /** An empty name is one, where it was given; one that nobody typed yet is none. */
  #wrong(row, index, taken) {
    if (!row.named) return "needs a name";
    const name = row.key.value;
    const before = this.#rows.slice(0, index).some(({ key }) => key.value === name);
    if (before || taken.includes(name)) return "has a name that is there already";
    return row.slot.read() === undefined && !row.slot.malformed().length ? "needs a value" : null;
  }

  #add(name, value) {
    const row = { key: keyOf(name), named: name !== "" || value !== undefined };
    const label = `value of ${name}`;
    const more = { name: "value", label, required: true, value, look: "bare" };
    row.slot = inner(this.#slot, this.#schema, more);
    row.key.addEventListener("input", () => {
      row.named = row.key.value !== "";
      row.slot.rename(`value of ${row.key.value}`);
      this.#slot.edited();
    });
    const gone = button("×", "plain", () => this.#remove(row));
    gone.setAttribute("aria-label", "remove the entry");
    row.node = element("li", "field-row field-entry", row.key, row.slot.node, gone);
    this.#rows.push(row);
    this.#place.append(row.node);
    return row;
  }

  #remove(row) {
    this.#rows.splice(this.#rows.indexOf(row), 1);
    row.node.remove();
    this.#slot.edited();
    this.more.focus();
  }
}

function keyOf(name) {
  const key = element("input", "mono");
  Object.assign(key, { value: name, autocomplete: "off", spellcheck: false, placeholder: "name" });
  key.setAttribute("aria-label", "name of the entry");
  return key;
}
