// The control for a list of any length.

import { button, element, setText } from "../dom.js";
import { group, inner } from "./containers.js";

const MOST_BLANKS = 20; // a schema may ask for a million items

export function list(slot, { schema }, value) {
  return new List(slot, schema, value);
}

class List {
  #slot;
  #schema;
  #rows = [];
  #place = element("ol", "field-rows");

  constructor(slot, schema, value) {
    this.#slot = slot;
    this.#schema = schema;
    this.more = button("+ Add", "field-more", () => {
      const row = this.#add(undefined);
      this.#changed();
      row.slot.focus();
    });
    const least = slot.required ? Math.min(schema.minItems ?? 0, MOST_BLANKS) : 0;
    for (const given of value ?? Array(least).fill(undefined)) this.#add(given);
    this.#arrange();
    this.node = group("field-list", this.#place, this.more);
    this.target = this.node;
  }

  get() {
    return this.#rows.map((row) => row.slot.read());
  }

  children() {
    return this.#rows.map((row, index) => [index, row.slot]);
  }

  note() {
    return this.#rows.length ? "" : "empty list";
  }

  focus() {
    if (this.#rows.length) this.#rows[0].slot.focus();
    else this.more.focus();
  }

  #add(value) {
    const row = { index: element("span", "field-index figures") };
    row.slot = inner(this.#slot, this.#schema.items, {
      name: `item ${this.#rows.length + 1}`,
      required: true,
      value,
      look: "bare",
    });
    row.up = tool("↑", "move up", () => this.#move(row, -1));
    row.down = tool("↓", "move down", () => this.#move(row, 1));
    row.gone = tool("×", "remove", () => this.#remove(row));
    const tools = element("span", "field-tools", row.up, row.down, row.gone);
    row.node = element("li", "field-row", row.index, row.slot.node, tools);
    this.#rows.push(row);
    this.#place.append(row.node);
    return row;
  }

  #move(row, by) {
    const at = this.#rows.indexOf(row);
    this.#rows.splice(at, 1);
    this.#rows.splice(at + by, 0, row);
    this.#place.insertBefore(row.node, this.#rows[at + by + 1]?.node ?? null);
    this.#changed();
    const [pressed, other] = by < 0 ? [row.up, row.down] : [row.down, row.up];
    (pressed.disabled ? other : pressed).focus();
  }

  #remove(row) {
    const at = this.#rows.indexOf(row);
    this.#rows.splice(at, 1);
    row.node.remove();
    this.#changed();
    (this.#rows[at]?.gone ?? this.#rows[at - 1]?.gone ?? this.more).focus();
  }

  #changed() {
    this.#arrange();
    this.#slot.edited();
  }

  #arrange() {
    for (const [index, row] of this.#rows.entries()) {
      setText(row.index, String(index + 1));
      row.slot.rename(`item ${index + 1}`);
      row.up.disabled = index === 0;
      row.down.disabled = index === this.#rows.length - 1;
    }
    this.more.disabled = this.#rows.length >= (this.#schema.maxItems ?? Infinity);
  }
}

function tool(sign, label, onClick) {
  const made = button(sign, "plain", onClick);
  made.setAttribute("aria-label", label);
  made.title = label;
  return made;
}
