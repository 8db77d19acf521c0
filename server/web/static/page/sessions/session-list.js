// <session-list>: the server's sessions, live.
//
//   current   the id of the session that is open, or null; marked in the list
//   look()    asks the server at once, for whoever knows that something changed
//
// Fires `open` {session}, `new` {} and `deleted` {session}. While the list is scrolled, or the
// pointer or the keyboard is in it, no row moves: what is new waits behind a bar that counts it.

import { button, element, fire, setText } from "../dom.js";
import { count } from "../format.js";
import { listSessions } from "../api.js";
import { arrange, Book, matches } from "./book.js";
import { Pace } from "./pace.js";
import { RunFacts } from "./run-facts.js";
import { SessionMenu } from "./session-menu.js";
import { SessionRow } from "./session-row.js";
import { SessionSearch } from "./session-search.js";

const STATES = ["", "running", "waiting", "closed"];
const TICK_MS = 1000;
const MOST_ASKED = 300; // runs looked at for a search
const PATIENCE_MS = 10_000;

class SessionList extends HTMLElement {
  #book = new Book();
  #rows = new Map(); // id → SessionRow
  #shown = [];
  #current = null;
  #state = "";
  #active = null; // the id of the row that the tab key comes to
  #known = false; // whether the server has answered once
  #pointed = false;
  #loading = false;
  #ticking = 0;
  #facts = new RunFacts(() => this.#drawSoon());
  #pace = new Pace(
    () => this.#poll(),
    (trouble) => this.#tell(trouble),
  );
  #drawing = 0;

  connectedCallback() {
    if (!this.list) this.#build();
    this.#pace.start();
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
  }

  disconnectedCallback() {
    this.#pace.stop();
    clearInterval(this.#ticking);
  }

  get current() {
    return this.#current;
  }

  set current(id) {
    const before = this.#rows.get(this.#current);
    if (before) before.current = false;
    this.#current = id ?? null;
    const row = this.#rows.get(this.#current);
    if (row) row.current = true;
  }

  look() {
    this.#pace.now();
  }

  #build() {
    this.search = new SessionSearch({
      changed: () => this.#searched(),
      has: (id) => Boolean(this.#book.get(id)),
      found: () => this.#shown,
      open: (id) => this.#open(id),
      enter: (id = this.#active) => this.#rows.get(id)?.link.focus(),
    });
    this.filter = element("select", "session-filter");
    this.filter.setAttribute("aria-label", "Show sessions that are");
    this.filter.append(...STATES.map((state) => new Option(state || "all", state)));
    const fresh = button("New run", "primary session-new", () => fire(this, "new"));
    const head = element("div", "session-head", element("h2", "", "Sessions"), fresh);
    const tools = element("div", "session-tools", this.search.input, this.filter);
    this.trouble = element("p", "session-trouble");
    this.trouble.setAttribute("role", "status");
    this.bar = button("", "session-bar", () => this.#release());
    this.list = element("ul", "session-rows");
    this.list.setAttribute("aria-label", "Sessions");
    this.nothing = element("p", "soft session-nothing", "Asking…");
    this.more = button("Load more", "session-more", () => this.#loadMore());
    this.scroller = element("div", "session-scroll", this.list, this.nothing, this.more);
    this.menu = new SessionMenu((id) => this.#deleted(id));
    const offer = element("div", "session-offer", this.search.offer, this.bar);
    this.append(head, tools, this.trouble, offer, this.scroller, this.menu.node);
    for (const node of [this.bar, this.more]) node.hidden = true;
    this.#listen();
  }

  #listen() {
    this.filter.addEventListener("change", () => this.#choose(this.filter.value));
    this.list.addEventListener("click", (press) => this.#click(press));
    this.list.addEventListener("keydown", (press) => this.#key(press));
    this.list.addEventListener("focusin", ({ target }) => this.#focused(target));
    this.scroller.addEventListener("pointerenter", ({ pointerType }) => {
      this.#pointed = pointerType === "mouse";
    });
    for (const name of ["pointerleave", "focusout"]) {
      this.scroller.addEventListener(name, () => {
        if (name === "pointerleave") this.#pointed = false;
        this.#drawSoon();
      });
    }
    this.scroller.addEventListener(
      "scroll",
      () => {
        if (!this.bar.hidden && this.scroller.scrollTop <= 0) this.#drawSoon();
      },
      { passive: true },
    );
    const seen = (entries) => entries.forEach((entry) => this.#seen(entry));
    this.sight = new IntersectionObserver(seen, { root: this.scroller, rootMargin: "200px 0px" });
  }

  async #poll() {
    const [book, state] = [this.#book, this.#state];
    for (const { before, limit } of book.due()) {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const answer = await listSessions({ limit, before, state, signal });
      if (book !== this.#book) return; // another state was chosen meanwhile
      book.add(before, answer);
    }
    this.#known = true;
    this.#draw();
  }

  #tell(trouble) {
    const seconds = Math.round((trouble?.waitMs ?? 0) / 1000);
    const words = trouble?.error.status
      ? trouble.error.message
      : "The server does not answer; what is below may be old.";
    setText(this.trouble, trouble ? `${words} Trying again in ${seconds} s.` : "");
    if (trouble && !this.#known) setText(this.nothing, "");
    this.toggleAttribute("data-trouble", Boolean(trouble));
  }

  #choose(state) {
    this.#state = state;
    this.#book = new Book();
    this.#known = false;
    this.#shown = [];
    this.#draw();
    this.#pace.now();
  }

  async #loadMore() {
    const [book, before] = [this.#book, this.#book.next];
    if (this.#loading || before === null) return;
    this.#loading = true;
    setText(this.more, "Loading…");
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      book.add(before, await listSessions({ before, state: this.#state, signal }));
    } catch (error) {
      this.#tell({ error, waitMs: 0 });
    }
    this.#loading = false;
    this.#draw();
  }

  /** Several things that become known in one turn are one drawing. */
  #drawSoon() {
    if (this.#drawing) return;
    this.#drawing = setTimeout(() => {
      this.#drawing = 0;
      if (this.list) this.#draw();
    });
  }

  #draw(release = false) {
    const wanted = this.#found();
    const mine = this.#current !== null && !this.#shown.includes(this.#current);
    const held = !release && !(mine && wanted.includes(this.#current)) && this.#held();
    const { ids, waiting } = arrange(this.#shown, wanted, held);
    this.#shown = ids;
    const alive = new Set(wanted);
    // Where none of those shown is known any more, so much is new that nobody can say who is gone.
    this.#place(ids, ids.some((id) => alive.has(id)) ? alive : new Set(ids));
    this.bar.hidden = waiting === 0;
    setText(this.bar, `${count(waiting)} new`);
    this.more.hidden = this.#book.next === null || !this.#known;
    setText(this.more, this.#loading ? "Loading…" : "Load more");
    setText(this.nothing, this.#emptiness(ids.length));
    this.search.update();
  }

  /** Workflows are known of what was in sight; to be found by, they are asked for. */
  #searched() {
    this.#shown = [];
    this.#draw(true);
    if (!this.search.text.trim()) return;
    for (const id of this.#book.ids.slice(0, MOST_ASKED)) this.#facts.want(this.#book.get(id));
  }

  #held() {
    const reading = this.scroller.scrollTop > 0 || this.#pointed;
    return reading || this.list.querySelector(":focus-visible") !== null;
  }

  #found() {
    const text = this.search.text;
    const workflow = (id) => this.#facts.get(this.#book.get(id).run)?.workflow;
    return this.#book.ids.filter((id) => matches(this.#book.get(id), workflow(id), text));
  }

  /** Rows keep their nodes, so that the focus and the pointer stay on what they were on. */
  #place(ids, alive) {
    const now = Date.now();
    const keep = new Set(ids);
    for (const [id, row] of this.#rows) if (!keep.has(id)) this.#drop(id, row);
    let next = this.list.firstElementChild;
    for (const id of ids) {
      const row = this.#rows.get(id) ?? this.#add(id, now);
      const session = this.#book.get(id);
      if (session) row.update(session, this.#facts.get(session.run));
      row.node.classList.toggle("gone", !alive.has(id));
      if (row.node === next) next = next.nextElementSibling;
      else this.list.insertBefore(row.node, next);
    }
    if (!keep.has(this.#active)) this.#activate(ids[0] ?? null);
  }

  #add(id, now) {
    const row = new SessionRow(id);
    row.current = id === this.#current;
    this.#rows.set(id, row);
    row.update(this.#book.get(id), this.#facts.get(this.#book.get(id).run));
    row.tick(now);
    this.sight.observe(row.node);
    return row;
  }

  #drop(id, row) {
    const focused = row.node.contains(document.activeElement);
    const next = row.node.nextElementSibling ?? row.node.previousElementSibling;
    this.sight.unobserve(row.node);
    row.node.remove();
    this.#rows.delete(id);
    if (focused) this.#rows.get(next?.dataset.session)?.link.focus();
  }

  #seen({ target, isIntersecting }) {
    target.toggleAttribute("data-seen", isIntersecting);
    const session = isIntersecting && this.#book.get(target.dataset.session);
    if (session) this.#facts.want(session);
  }

  /** What is in sight is asked for again where it has changed since. */
  #tick() {
    if (document.hidden) return;
    const now = Date.now();
    for (const [id, row] of this.#rows) {
      row.tick(now);
      const session = row.node.hasAttribute("data-seen") && this.#book.get(id);
      if (session) this.#facts.want(session);
    }
  }

  #emptiness(rows) {
    if (rows) return "";
    if (!this.#known) return this.hasAttribute("data-trouble") ? "" : "Asking…";
    if (this.search.text.trim()) return "None of those loaded is like that.";
    return this.#state ? `None is ${this.#state} now.` : "No session yet: start a run.";
  }

  #click(press) {
    const row = this.#rows.get(press.target.closest("li")?.dataset.session);
    if (!row) return;
    if (press.target.closest(".session-menu-button")) {
      const session = this.#book.get(row.id);
      if (session) this.menu.open(session, row.menu);
    } else if (!(press.ctrlKey || press.metaKey || press.shiftKey)) {
      press.preventDefault(); // with a key held it is a link: a tab or a window of its own
      this.#open(row.id);
    }
  }

  #open(session) {
    if (session) fire(this, "open", { session });
  }

  #key(press) {
    const rows = this.#shown;
    const at = rows.indexOf(press.target.closest("li")?.dataset.session);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[press.key];
    if (press.key === "Delete" && at >= 0) this.#rows.get(rows[at]).menu.click();
    if (to === undefined || press.altKey || press.ctrlKey || press.metaKey) return;
    press.preventDefault();
    if (to < 0) this.search.input.focus();
    else if (to < rows.length) this.#rows.get(rows[to]).link.focus();
    else if (!this.more.hidden) this.more.focus();
  }

  #focused(target) {
    const id = target.closest("li")?.dataset.session;
    if (id) this.#activate(id);
  }

  #activate(id) {
    const tab = (row, index) => {
      if (row) row.link.tabIndex = row.menu.tabIndex = index;
    };
    tab(this.#rows.get(this.#active), -1);
    this.#active = id;
    tab(this.#rows.get(id), 0);
  }

  #release() {
    this.#draw(true);
    this.scroller.scrollTop = 0;
    this.#rows.get(this.#shown[0])?.link.focus({ preventScroll: true });
  }

  #deleted(id) {
    this.#book.remove(id);
    this.#shown = this.#shown.filter((each) => each !== id);
    this.#draw();
    fire(this, "deleted", { session: id });
  }
}

customElements.define("session-list", SessionList);
