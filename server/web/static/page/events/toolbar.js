// The view's tools: search, the two menus, and what is active.

import { button, element, fire, setText } from "../dom.js";
import { colourOf, count } from "../format.js";
import { GROUPS, groupOf } from "./kinds.js";
import { Menu } from "./menu.js";

const TYPING_MS = 200;

/**
 * Fires on its element: `want` {filter}, `step` {by} (-1: to the match before), `stop` (the search,
 * or go on with it), `clock` (the other way to show times), `menu` (choices are needed).
 */
export class Toolbar {
  #filter;
  #agents = [];
  #types = [];
  #typing = null;

  constructor() {
    this.search = element("input", "search");
    Object.assign(this.search, { type: "search", placeholder: "Search", spellcheck: false });
    this.search.setAttribute("aria-label", "Search the events");
    this.search.autocomplete = "off";
    this.agents = new Menu("Agents", () => this.#asked(() => this.#agentChoices()));
    this.types = new Menu("Types", () => this.#asked(() => this.#typeChoices()));
    this.clockSwitch = button("Clock", "plain", () => fire(this.node, "clock"));
    this.clockSwitch.title = "Time of day, or time since the run's start";
    this.chips = element("div", "chips");
    this.status = element("span", "figures status");
    this.stop = button("Stop", "plain", () => fire(this.node, "stop"));
    this.older = named(button("↑", "plain", () => this.#step(-1)), "The match before (N)");
    this.newer = named(button("↓", "plain", () => this.#step(1)), "The next match (n)");
    this.row = element("div", "active", this.chips, this.status, this.stop, this.older, this.newer);
    const tools = element("div", "tools", this.search, this.agents.node, this.types.node);
    tools.append(element("span", "gap"), this.clockSwitch);
    this.node = element("div", "toolbar", tools, this.row);
    this.search.addEventListener("input", () => this.#type());
    this.search.addEventListener("keydown", (key) => this.#key(key));
  }

  /** @param {import("./match.js").Filter} filter */
  show(filter) {
    this.#filter = filter;
    if (this.search.value.trim() !== filter.text) this.search.value = filter.text;
    this.agents.showCount(filter.agents.length);
    this.types.showCount(filter.types.length);
    this.chips.replaceChildren(...this.#chips());
    this.row.hidden = this.chips.childElementCount === 0;
    for (const each of [this.older, this.newer]) each.hidden = filter.text === "";
  }

  /** What there is to choose from. */
  offer(agents, types) {
    this.#agents = agents;
    this.#types = types;
  }

  /**
   * How far a search has come.
   *
   * @param {object} search
   * @param {number | null} search.found rows; null: not known yet
   */
  tell({ found, lo, last, atStart, searching, paused }) {
    const rows = `${count(found ?? 0)} ${found === 1 ? "row" : "rows"}`;
    const looked = atStart ? "all of the log" : `back to ${count(lo)} of ${count(last)}`;
    setText(this.status, found === null ? "Searching…" : `${rows} · searched ${looked}`);
    this.stop.hidden = !searching && !paused;
    setText(this.stop, paused ? "Go on" : "Stop");
  }

  /** @param {boolean} since times are since the run's start */
  showClock(since) {
    setText(this.clockSwitch, since ? "Since start" : "Clock");
  }

  #asked(choices) {
    fire(this.node, "menu");
    return choices();
  }

  #type() {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#want({ text: this.search.value.trim() }), TYPING_MS);
  }

  #key(key) {
    if (key.key === "Enter") {
      key.preventDefault();
      clearTimeout(this.#typing);
      const text = this.search.value.trim();
      if (text !== this.#filter.text) this.#want({ text });
      else if (text !== "") this.#step(key.shiftKey ? 1 : -1); // the newest is at the end: upwards
    } else if (key.key === "Escape" && this.search.value !== "") {
      key.stopPropagation();
      this.search.value = "";
      this.#want({ text: "" });
    }
  }

  #step(by) {
    fire(this.node, "step", { by });
  }

  #want(change) {
    clearTimeout(this.#typing);
    fire(this.node, "want", { filter: { ...this.#filter, ...change } });
  }

  #chips() {
    const { agents, types, run, text } = this.#filter;
    const chips = [];
    if (text !== "") chips.push(this.#chip(`“${text}”`, "", () => ({ text: "" })));
    for (const agent of agents) {
      const change = () => ({ agents: without(this.#filter.agents, [agent]) });
      chips.push(this.#chip(agent, `agent ${colourOf(agent)}`, change));
    }
    for (const [name, members] of grouped(types)) {
      chips.push(this.#chip(name, "", () => ({ types: without(this.#filter.types, members) })));
    }
    if (run !== null) chips.push(this.#chip(`run ${run}`, "", () => ({ run: null })));
    const none = { agents: [], types: [], run: null, text: "" };
    if (chips.length > 0) chips.push(button("Clear", "plain clear", () => this.#want(none)));
    return chips;
  }

  #chip(label, className, change) {
    const chip = button("", "chip", () => this.#want(change()));
    chip.append(element("span", className, label), hidden("cross", "×"));
    return named(chip, `Without ${label}`);
  }

  #agentChoices() {
    const { agents } = this.#filter;
    return union(this.#agents, agents).map((agent) => ({
      label: agent,
      className: `agent ${colourOf(agent)}`,
      state: agents.includes(agent) ? 1 : 0,
      choose: (on) => this.#want({ agents: toggled(this.#filter.agents, [agent], on) }),
    }));
  }

  #typeChoices() {
    const own = union(this.#types, this.#filter.types).filter((type) => !groupOf(type)).sort();
    return [...GROUPS, ...own.map((type) => [type, [type]])].map(([label, members]) => ({
      label,
      className: groupOf(members[0]) ? "" : "mono",
      state: members.filter((each) => this.#filter.types.includes(each)).length / members.length,
      choose: (on) => this.#want({ types: toggled(this.#filter.types, members, on) }),
    }));
  }
}

/** Whole groups by their name, other types alone. */
function grouped(types) {
  const whole = GROUPS.filter(([, members]) => members.every((each) => types.includes(each)));
  const inside = new Set(whole.flatMap(([, members]) => members));
  return [...whole, ...types.filter((type) => !inside.has(type)).map((type) => [type, [type]])];
}

function toggled(list, members, on) {
  return on ? union(list, members) : without(list, members);
}

function union(one, other) {
  return [...new Set([...one, ...other])];
}

function without(list, members) {
  return list.filter((each) => !members.includes(each));
}

function hidden(className, sign) {
  const made = element("span", className, sign);
  made.setAttribute("aria-hidden", "true");
  return made;
}

function named(node, label) {
  node.setAttribute("aria-label", label);
  node.title = label;
  return node;
}
