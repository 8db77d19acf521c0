// The list's search, and the offer to follow an id that is not in the list: of a session that lies
// further down, or of one that nobody has used yet.

import { button, element, setText } from "../dom.js";
import { count } from "../format.js";
import { getSession } from "../api.js";
import { idIn } from "./book.js";

const TYPING_MS = 250;

export class SessionSearch {
  #list;
  #told = { id: null, words: "" }; // what is known of the id that is offered

  /**
   * @param {object} list
   * @param {() => void} list.changed another text is looked for
   * @param {(id: string) => boolean} list.has
   * @param {() => string[]} list.found ids, newest first
   * @param {(id: string) => void} list.open
   * @param {(id?: string) => void} list.enter the focus goes to that row, or to the current one
   */
  constructor(list) {
    this.#list = list;
    this.input = element("input", "session-search");
    Object.assign(this.input, {
      type: "search",
      placeholder: "Find, or any id",
      spellcheck: false,
    });
    this.input.autocomplete = "off";
    this.input.setAttribute("aria-label", "Find a session by id, workflow or label");
    this.name = element("code");
    this.words = element("span", "soft");
    this.offer = button("", "session-follow", () => list.open(idIn(this.text)));
    this.offer.append(element("span", "session-follow-id", "Follow ", this.name), this.words);
    this.offer.hidden = true;
    this.input.addEventListener("input", () => this.#changed());
    this.input.addEventListener("keydown", (press) => this.#key(press));
  }

  get text() {
    return this.input.value;
  }

  /** To be called when the list has changed. */
  update() {
    const id = idIn(this.text);
    this.offer.hidden = !id || this.#list.has(id);
    if (this.offer.hidden) return;
    setText(this.name, id);
    setText(this.words, this.#told.id === id ? this.#told.words : "");
  }

  #changed() {
    this.#list.changed();
    if (!this.offer.hidden) this.#lookUp(idIn(this.text));
  }

  async #lookUp(id) {
    await new Promise((done) => setTimeout(done, TYPING_MS));
    if (idIn(this.text) !== id) return;
    const words = await getSession(id).then(
      ({ state, last }) => `${state}, ${count(last)} ${last === 1 ? "event" : "events"}`,
      ({ status }) => (status === 404 ? "does not exist yet: its events are waited for" : ""),
    );
    this.#told = { id, words };
    this.update();
  }

  #key(press) {
    if (press.isComposing || press.altKey) return;
    if (press.key === "ArrowDown") {
      press.preventDefault();
      this.#list.enter();
    } else if (press.key === "Enter") {
      press.preventDefault();
      this.#enter(idIn(this.text));
    }
  }

  /** The exact id, else the only one found, else a look at those found. */
  #enter(id) {
    const found = this.#list.found();
    if (id && (this.#list.has(id) || !found.length)) this.#list.open(id);
    else if (found.length === 1 && this.text.trim()) this.#list.open(found[0]);
    else if (found.length) this.#list.enter(found[0]);
  }
}
