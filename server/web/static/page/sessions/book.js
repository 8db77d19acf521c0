// The sessions that the list knows, newest first, in stretches as pages of the server's list came:
// pure. A stretch begins where its `before` says, so that each can be asked for again by itself.

const PAGE = 50;
const LARGEST = 200; // sessions asked for at once when an older stretch is looked at again

export class Book {
  #stretches = [];
  #sessions = new Map(); // id → session object
  #turn = 0;

  /** @returns {string[]} ids, newest first */
  get ids() {
    return this.#stretches.flatMap(({ ids }) => ids);
  }

  /** @returns {string | null} the cursor of what comes after the oldest one; null at the end */
  get next() {
    return this.#stretches.at(-1)?.next ?? null;
  }

  get(id) {
    return this.#sessions.get(id);
  }

  /** The newest are looked at every time, each older stretch in its turn. */
  due() {
    const top = { before: "", limit: PAGE };
    const older = this.#stretches.slice(1);
    if (!older.length) return [top];
    const { before, ids } = older[(this.#turn += 1) % older.length];
    return [top, { before, limit: Math.min(LARGEST, Math.max(PAGE, ids.length)) }];
  }

  /**
   * @param {string} before the cursor that was asked with; empty for the newest
   * @param {{sessions: object[], next?: string}} answer
   * @returns {boolean} false where it fits nowhere any more: it was asked for before a change
   */
  add(before, { sessions, next = null }) {
    const at = this.#stretches.findIndex((stretch) => stretch.before === before);
    const appended = at < 0 && (before === "" || before === this.next);
    if (at < 0 && !appended) return false;
    const fresh = { before, ids: sessions.map(({ id }) => id), next };
    for (const session of sessions) this.#sessions.set(session.id, session);
    if (appended) this.#append(fresh);
    else this.#renew(at, fresh);
    this.#forget();
    return true;
  }

  /** Takes one out that was deleted. */
  remove(id) {
    for (const stretch of this.#stretches) stretch.ids = stretch.ids.filter((each) => each !== id);
    this.#sessions.delete(id);
  }

  #append(fresh) {
    const known = new Set(this.ids);
    this.#stretches.push({ ...fresh, ids: fresh.ids.filter((id) => !known.has(id)) });
  }

  /**
   * What lay within the answer's reach and is not in it is gone. What lies below it stays, and goes
   * on where the answer says; where nothing is known below, more is new than one answer holds.
   */
  #renew(at, fresh) {
    const below = this.#stretches.slice(at).flatMap(({ ids }) => ids);
    const reach = Math.max(...fresh.ids.map((id) => below.lastIndexOf(id)));
    const all = fresh.next === null || !(reach >= 0);
    const rest = all ? new Set() : new Set(below.slice(reach + 1));
    const later = this.#stretches
      .slice(at)
      .map((stretch) => ({ ...stretch, ids: stretch.ids.filter((id) => rest.has(id)) }))
      .filter(({ ids }) => ids.length);
    if (later.length) later[0].before = fresh.next;
    this.#stretches.splice(at, Infinity, fresh, ...joined(later));
  }

  #forget() {
    const known = new Set(this.ids);
    for (const id of this.#sessions.keys()) if (!known.has(id)) this.#sessions.delete(id);
  }
}

/** Whether a session is one that the reader looks for: by id, workflow or label. */
export function matches({ id, labels = {} }, workflow, text) {
  const wanted = text.trim().toLowerCase();
  const words = [
    id,
    workflow ?? "",
    ...Object.entries(labels).map(([key, value]) => `${key}=${value}`),
  ];
  return wanted === "" || words.some((word) => word.toLowerCase().includes(wanted));
}

/** @returns {string | null} the id that a text is, where it can be one */
export function idIn(text) {
  const id = text.trim();
  return /^[A-Za-z0-9_-]{1,64}$/.test(id) ? id : null;
}

/**
 * What is shown while the reader points at the list: nothing moves, so what is new waits.
 *
 * @param {string[]} shown ids in the list now
 * @param {string[]} wanted ids as they should be
 * @param {boolean} held
 * @returns {{ids: string[], waiting: number}} `waiting`: how many are new above
 */
export function arrange(shown, wanted, held) {
  if (!held || !shown.length) return { ids: wanted, waiting: 0 };
  const known = new Set(shown);
  const start = wanted.findIndex((id) => known.has(id));
  const waiting = start < 0 ? wanted.length : start;
  const last = wanted.findLastIndex((id) => known.has(id));
  return { ids: [...shown, ...wanted.slice(last + 1).filter(() => last >= 0)], waiting };
}

/** @param {number} ms @returns {string} how long ago: `12 s`, `5 min`, `3 h`, `4 d` */
export function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400 * 2) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Small stretches become one, or there would be one for each new session. */
function joined(stretches) {
  const made = [];
  for (const stretch of stretches) {
    const last = made.at(-1);
    if (!last || last.ids.length + stretch.ids.length > LARGEST / 2) made.push({ ...stretch });
    else Object.assign(last, { ids: [...last.ids, ...stretch.ids], next: stretch.next });
  }
  return made;
}
