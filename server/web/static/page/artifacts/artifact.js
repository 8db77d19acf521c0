// What an artifact's event brought, as something to look at.

import { button, element, svg } from "../dom.js";
import { plain, size } from "../format.js";
import { chartOf, lineChart } from "./chart.js";
import { codeView } from "./code.js";
import { sizeOf } from "./content.js";
import { copyButton } from "./copy.js";
import { bytesView, imageView } from "./image.js";
import { kindOf } from "./kinds.js";
import { proseView } from "./prose.js";
import { read } from "./reading.js";
import { tableView } from "./table-view.js";
import { jsonTree } from "./tree.js";
import { fileName, visible } from "./visible.js";

export { jsonTree, lineChart };

const OPEN_UP_TO = 256 * 1024; // bytes; more costs time to read, and is read when somebody asks
const WRAPS = new Set(["code", "diff"]);
const SCROLLS = ".lines, .prose, .scroller, .tree, .image";

const VIEWERS = {
  chart: (lines) => chartOf(lines),
  table: (table, name) => tableView(table, name),
  tree: (value) => jsonTree(value),
  code: (text, name) => codeView(text, name),
  diff: (text, name) => codeView(text, name, true),
  prose: (text, name) => proseView(text, name),
  image: (image) => imageView(image),
  bytes: (bytes) => bytesView(bytes),
};

// What a reader chose for an artifact, for as long as its event is kept: a list that takes its rows
// out of the document and makes them anew must not forget it.
const choices = new WeakMap();

/**
 * @param {{name: string, media_type: string, text?: string, base64?: string}} data of its event
 * @returns {HTMLElement} a card; its content is read when it comes into the document, if it is open
 */
export function artifact(data) {
  const card = document.createElement("artifact-card");
  card.data = data;
  return card;
}

class ArtifactCard extends HTMLElement {
  #reading = null;
  #view = null;
  #resized = new ResizeObserver(() => this.#weigh());

  data = null;

  connectedCallback() {
    if (!this.firstChild) {
      this.#build();
      this.#apply();
    }
    this.#resized.observe(this.body);
  }

  disconnectedCallback() {
    this.#resized.disconnect();
  }

  get #choice() {
    if (!choices.has(this.data)) {
      const open = sizeOf(this.data) <= OPEN_UP_TO && (this.#kind !== "bytes" || this.#isText);
      choices.set(this.data, { open, tall: false, wrap: false, view: 0 });
    }
    return choices.get(this.data);
  }

  #build() {
    const name = visible(plain(this.data.name)) || "artifact";
    const type = visible(plain(this.data.media_type));
    this.opener = button("", "opener plain", () => this.#change({ open: !this.#choice.open }));
    this.opener.append(chevron(), element("bdi", "name", name));
    const facts = element("span", "facts", type, type ? " · " : "", size(sizeOf(this.data)));
    const title = element("div", "title", this.opener, facts);
    this.views = element("span", "views");
    this.views.setAttribute("role", "group");
    this.views.setAttribute("aria-label", "View");
    const wrap = () => this.#change({ wrap: !this.#choice.wrap });
    this.wrap = button("Wrap", "plain", wrap);
    this.tall = button("Taller", "plain tall", () => this.#change({ tall: !this.#choice.tall }));
    const copy = copyButton("Copy", () => this.#read().content.text ?? "", "plain");
    copy.hidden = !this.#isText && ["bytes", "image"].includes(this.#kind);
    const save = button("Download", "plain", () => this.#save());
    const actions = element("span", "actions", this.tall, this.wrap, copy, save);
    const head = element("div", "head", title, this.views, actions);
    this.body = element("div", "body");
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", `Artifact ${name}`);
    this.append(head, this.body);
  }

  get #kind() {
    return kindOf(plain(this.data.name), plain(this.data.media_type));
  }

  get #isChart() {
    return this.#view?.shape === "chart";
  }

  get #isText() {
    return typeof this.data.text === "string";
  }

  #read() {
    this.#reading ??= read(this.data);
    return this.#reading;
  }

  #change(chosen) {
    Object.assign(this.#choice, chosen);
    this.#apply();
  }

  #apply() {
    const { open, tall, wrap } = this.#choice;
    this.opener.setAttribute("aria-expanded", open);
    this.body.hidden = !open;
    this.views.hidden = !open;
    this.classList.toggle("is-tall", tall);
    this.classList.toggle("is-wrapped", wrap);
    this.wrap.setAttribute("aria-pressed", wrap);
    this.tall.setAttribute("aria-pressed", tall);
    if (open) this.#show();
    this.wrap.hidden = !open || !WRAPS.has(this.#view.shape);
    this.tall.hidden = !open;
    this.#weigh();
  }

  /** More height is offered where there is more to see. Its room stays: nothing else moves. */
  #weigh() {
    const view = this.body.querySelector(SCROLLS);
    const image = view?.querySelector("img");
    const left = image ? image.naturalHeight - image.clientHeight : 0;
    const more = view && (view.scrollHeight > view.clientHeight + 1 || left > 1);
    this.tall.classList.toggle("is-idle", !more && !this.#choice.tall && !this.#isChart);
  }

  #show() {
    const { views, problem, content } = this.#read();
    if (views.length > 1 && !this.views.firstChild) {
      const pick = ({ label }, view) => button(label, "", () => this.#change({ view }));
      this.views.append(...views.map(pick));
    }
    const view = views[this.#choice.view] ?? views[0];
    if (this.#view === view) return;
    this.#view = view;
    for (const [index, each] of [...this.views.children].entries()) {
      each.setAttribute("aria-pressed", views[index] === view);
    }
    const told = problem ? [element("p", "told", visible(problem))] : [];
    this.body.replaceChildren(...told, VIEWERS[view.shape](view.given, visible(content.name)));
  }

  /** Saved, never opened: a page or a drawing from outside would be a document of this origin. */
  #save() {
    const { bytes, text } = this.#read().content;
    const blob = new Blob([bytes ?? text ?? ""], { type: "application/octet-stream" });
    const link = element("a");
    link.href = URL.createObjectURL(blob);
    link.download = fileName(plain(this.data.name));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}

function chevron() {
  const mark = svg("svg", { class: "chevron", viewBox: "0 0 10 10", width: 10, height: 10 });
  mark.setAttribute("aria-hidden", "true");
  mark.append(svg("path", { d: "M3 1.5 7 5 3 8.5" }));
  return mark;
}

customElements.define("artifact-card", ArtifactCard);
