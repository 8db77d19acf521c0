import { age, arrange, Book, idIn, matches } from "/static/page/sessions/book.js";
import { waitAfter } from "/static/page/sessions/pace.js";
import { equal, rule } from "./harness.js";

/** A store of sessions s1 … sn that answers as the server does: `before` is an order. */
class Store {
  constructor(count) {
    this.orders = Array.from({ length: count }, (_, at) => count - at);
  }

  page({ before = "", limit = 50 }) {
    const all = this.orders.filter((order) => before === "" || order < Number(before));
    const found = all.slice(0, limit);
    const sessions = found.map((order) => ({ id: `s${order}`, order }));
    return all.length > limit ? { sessions, next: String(found.at(-1)) } : { sessions };
  }

  grow(count = 1) {
    for (let i = 0; i < count; i += 1) this.orders.unshift((this.orders[0] ?? 0) + 1);
  }

  drop(...orders) {
    this.orders = this.orders.filter((order) => !orders.includes(order));
  }

  ids() {
    return this.orders.map((order) => `s${order}`);
  }
}

function poll(book, store) {
  for (const asked of book.due()) book.add(asked.before, store.page(asked));
}

function more(book, store) {
  book.add(book.next, store.page({ before: book.next }));
}

function opened(store, pages) {
  const book = new Book();
  poll(book, store);
  for (let page = 1; page < pages; page += 1) more(book, store);
  return book;
}

rule("pages of the list follow each other to its end", () => {
  const store = new Store(120);
  const book = opened(store, 3);
  equal(book.ids, store.ids());
  equal(book.next, null);
});

rule("a new session comes on top and pushes nobody out", () => {
  const store = new Store(120);
  const book = opened(store, 2);
  for (let i = 0; i < 130; i += 1) {
    store.grow();
    poll(book, store);
  }
  equal(book.ids, store.ids().slice(0, 230));
  equal(book.next, "21");
  more(book, store);
  equal(book.ids, store.ids());
});

rule("more new ones than an answer holds leave no hole", () => {
  const store = new Store(200);
  const book = opened(store, 3);
  store.grow(70);
  poll(book, store);
  while (book.next) more(book, store);
  equal(book.ids, store.ids());
});

rule("what was deleted goes, wherever it was, when its stretch is looked at again", () => {
  const store = new Store(250);
  const book = opened(store, 5);
  store.drop(250, 249, 240, 201, 200, 199, 120, 101, 100, 3, 1);
  for (let i = 0; i < 6; i += 1) poll(book, store);
  equal(book.ids, store.ids());
});

rule("a whole stretch may be gone", () => {
  const store = new Store(250);
  const book = opened(store, 5);
  store.drop(...store.orders.slice(40, 160));
  for (let i = 0; i < 8; i += 1) poll(book, store);
  while (book.next) more(book, store);
  equal(book.ids, store.ids());
});

rule("any mixture of coming, going and looking ends as the server has it", () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    let state = seed;
    const chance = (n) => (state = (state * 48_271) % 2_147_483_647) % n;
    const store = new Store(chance(300));
    const book = opened(store, 1);
    for (let step = 0; step < 60; step += 1) {
      const what = chance(4);
      if (what === 0) store.grow(chance(60));
      if (what === 1) store.drop(...store.orders.filter(() => chance(9) === 0));
      if (what === 2) poll(book, store);
      if (what === 3 && book.next) more(book, store);
      equal(new Set(book.ids).size, book.ids.length);
    }
    for (let i = 0; i < 40; i += 1) poll(book, store);
    while (book.next) more(book, store);
    equal(book.ids, store.ids());
  }
});

rule("an answer to a question that is asked no longer changes nothing", () => {
  const store = new Store(120);
  const book = opened(store, 1);
  const [before, answer] = [book.next, store.page({ before: book.next })];
  more(book, store);
  equal(book.add("7", answer), false);
  equal(book.ids.length, 100);
  equal(before !== book.next, true);
});

rule("the newest are asked for each time, the older stretches in turn", () => {
  const store = new Store(400);
  const book = opened(store, 8);
  const asked = Array.from({ length: 7 }, () => book.due());
  equal(
    asked.every(([top]) => top.before === "" && top.limit === 50),
    true,
  );
  equal(new Set(asked.map(([, older]) => older.before)).size, 7);
});

rule("a session is found by its id, its workflow and its labels", () => {
  const session = { id: "Demo-1", labels: { team: "Blue" } };
  equal(
    ["", "demo", "rese", "blue", "team=", " demo "].map((text) =>
      matches(session, "research", text),
    ),
    [true, true, true, true, true, true],
  );
  equal([matches(session, "research", "x9"), matches(session, undefined, "rese")], [false, false]);
});

rule("what can be an id is offered, and nothing else", () => {
  equal(["a", " demo-1_X ", "", "a b", "ä", "x".repeat(65)].map(idIn), [
    "a",
    "demo-1_X",
    null,
    null,
    null,
    null,
  ]);
});

rule("while the list is held, nothing moves: what is new waits, what is gone stays", () => {
  equal(arrange(["b", "a"], ["d", "c", "b", "a"], true), { ids: ["b", "a"], waiting: 2 });
  equal(arrange(["b", "a"], ["d", "c", "b", "a"], false), {
    ids: ["d", "c", "b", "a"],
    waiting: 0,
  });
  equal(arrange(["c", "b", "a"], ["c", "a"], true), { ids: ["c", "b", "a"], waiting: 0 });
  equal(arrange(["b", "a"], ["c", "b", "a", "z", "y"], true), {
    ids: ["b", "a", "z", "y"],
    waiting: 1,
  });
  equal(arrange([], ["a"], true), { ids: ["a"], waiting: 0 });
  equal(arrange(["b"], ["x"], true), { ids: ["b"], waiting: 1 });
});

rule("an age is a few characters", () => {
  const ages = [-5, 0, 59_999, 60_000, 3_600_000, 172_800_000].map(age);
  equal(ages, ["0 s", "0 s", "59 s", "1 min", "1 h", "2 d"]);
});

rule("who does not answer is asked later and later, to half a minute", () => {
  equal([0, 1, 2, 3, 4, 9].map(waitAfter), [2000, 4000, 8000, 16_000, 30_000, 30_000]);
});
