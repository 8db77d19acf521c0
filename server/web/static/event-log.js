// <event-log>: the events as lines, the newest at the end, drawn once a frame.

import { body, element } from "./body.js";
import { Rows } from "./rows.js";

const HIDDEN_MS = 500; // a hidden page has no frames
const LINES_A_FRAME = 400; // a long history must not freeze the page
const NEAR_END = 40; // pixels
const COLOURS = 8;
const FLAVOURS = {
  complete: "end good",
  error: "end bad",
  cancelled: "end off",
  agent_error: "bad",
};

class EventLog extends HTMLElement {
  #rows = new Rows();
  #lines = new Map(); // row → its element
  #stale = new Set();
  #drawing = false;
  #follows = true; // whether the reader is at the end
  #unseen = 0;
  #top = 0;

  connectedCallback() {
    this.setAttribute("role", "log");
    this.setAttribute("aria-live", "off");
    this.tabIndex = 0;
    this.dropped = element("p", "dropped");
    this.dropped.hidden = true;
    this.list = element("ol");
    this.jump = element("button", "jump");
    this.jump.hidden = true;
    this.append(this.dropped, this.list, this.jump);
    this.jump.addEventListener("click", () => this.#toEnd());
    this.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.list.addEventListener("toggle", () => this.#leaveEnd(), { capture: true });
    // Lines out of sight have estimated heights, so the end moves after it was scrolled to.
    new ResizeObserver(() => this.#stayAtEnd()).observe(this.list);
  }

  /** Forgets everything; for another session, or a log that began again. */
  clear() {
    this.#rows = new Rows();
    this.#lines.clear();
    this.#stale.clear();
    this.list.replaceChildren();
    this.#follows = true;
    this.#later();
  }

  add(event) {
    for (const row of this.#rows.add(event)) this.#changed(row);
  }

  /** A line of the page's own, about the connection. */
  note(words) {
    this.#changed(this.#rows.note(words));
  }

  #changed(row) {
    if (!this.#follows && !this.#lines.has(row) && !this.#stale.has(row)) this.#unseen += 1;
    this.#stale.add(row);
    this.#later();
  }

  #later() {
    if (this.#drawing) return;
    this.#drawing = true;
    if (document.visibilityState === "hidden") setTimeout(() => this.#draw(), HIDDEN_MS);
    else requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#drawing = false;
    const kept = new Set(this.#rows.kept);
    for (const [row, line] of this.#lines) {
      if (kept.has(row)) break; // lines leave in the order in which they came
      line.remove();
      this.#lines.delete(row);
    }
    const fresh = document.createDocumentFragment();
    let left = LINES_A_FRAME;
    for (const row of this.#stale) {
      if (left === 0) break;
      this.#stale.delete(row);
      if (!kept.has(row)) continue;
      this.#place(row, fresh);
      left -= 1;
    }
    this.list.append(fresh);
    this.#footing();
    if (this.#stale.size > 0) this.#later();
  }

  #place(row, fresh) {
    const old = this.#lines.get(row);
    if (old) {
      refresh(old, row);
      return;
    }
    const line = lineOf(row);
    this.#lines.set(row, line);
    fresh.append(line);
  }

  #footing() {
    const { dropped, limit } = this.#rows;
    this.dropped.hidden = dropped === 0;
    this.dropped.textContent =
      `The newest ${limit.toLocaleString("en")} lines; ` +
      `${dropped.toLocaleString("en")} older ones are in the log only.`;
    this.#stayAtEnd();
    this.jump.hidden = this.#follows;
    this.jump.textContent = this.#unseen > 0 ? `↓ ${this.#unseen} new` : "↓ To the end";
  }

  #stayAtEnd() {
    if (this.#follows) this.scrollTop = this.scrollHeight;
    this.#top = this.scrollTop;
  }

  /** Only the reader scrolls up; when lines change their heights, the end moves down. */
  #scrolled() {
    const left = this.scrollHeight - this.clientHeight - this.scrollTop;
    if (left < NEAR_END) this.#follows = true;
    else if (this.scrollTop < this.#top) this.#follows = false;
    this.#top = this.scrollTop;
    if (this.#follows) this.#unseen = 0;
    this.jump.hidden = this.#follows;
  }

  /** Who opens a line wants to read it, not the end. */
  #leaveEnd() {
    this.#follows = false;
    this.jump.hidden = false;
  }

  #toEnd() {
    this.#follows = true;
    this.#unseen = 0;
    this.#later();
  }
}

function lineOf(row) {
  if (row.event === null) return element("li", "note", row.text);
  const { event } = row;
  const line = element("li", `event ${flavour(event)}`);
  line.dataset.type = event.type;
  line.append(element("span", "offset"), clock(event.time), speaker(event));
  line.append(element("span", "type", event.type), element("div", "body"));
  refresh(line, row);
  return line;
}

function refresh(line, row) {
  const { event, last, growing } = row;
  line.dataset.offset = event.offset;
  line.dataset.last = last;
  line.dataset.count = row.count;
  line.classList.toggle("growing", growing);
  const [offset] = line.children;
  offset.textContent = last === event.offset ? event.offset : `${event.offset}–${last}`;
  line.lastElementChild.replaceChildren(...body(row));
}

function clock(time) {
  const made = element("time", "", "");
  const date = new Date(time);
  made.dateTime = made.title = time;
  if (!Number.isNaN(date.getTime())) {
    const millis = String(date.getMilliseconds()).padStart(3, "0");
    made.textContent = `${date.toLocaleTimeString("en-GB")}.${millis}`;
  }
  return made;
}

function speaker({ agent }) {
  if (typeof agent !== "string") return element("span", "agent");
  let sum = 0;
  for (const letter of agent) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return element("span", `agent colour-${sum % COLOURS}`, agent);
}

function flavour({ type, data }) {
  if (type === "log") return data.stream === "stderr" ? "log stderr" : "log";
  return FLAVOURS[type] ?? "";
}

customElements.define("event-log", EventLog);
