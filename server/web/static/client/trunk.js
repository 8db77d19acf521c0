// One WebSocket that carries many sessions. It is there while somebody is subscribed, and a way to
// frames for each of them: to a stream it is a transport like the others (see wire.js).
//
// A session that is unsubscribed and subscribed again may still have frames of its former
// subscription on the way. The server answers in order, so what comes before the answer to the
// present subscription is not for it.

import { dial } from "./transports.js";
import { LOST, decode, deliver } from "./wire.js";

const LINGER_MS = 2000; // without subscriptions; a page that goes from one to the next keeps it
const HEARD_MS = 50; // how exact the silence of each session is known: there may be a thousand
// Why a session hung up where that is about the socket, and a bye that is.
const DEAD = new Set(["silent", "unanswered", "abandoned", "cut"]);
const LEAVING = new Set(["restart", "rotate", "slow"]);
const ANSWERS = new Set(["ok", "pong", "refused"]);

export class Trunk {
  #address;
  #rang; // is told when it is ready
  #socket = null;
  #greeting = null; // the connection's own ready
  #leaving = false; // the server has said bye: whoever joins now waits for the next socket
  #heard = 0;
  #routes = new Map(); // session → who follows it
  #count = 0;
  #linger;

  /**
   * @param {URL} address without its last part, `/ws`
   * @param {() => void} rang called when a socket is ready
   */
  constructor(address, rang) {
    this.#address = address;
    this.#rang = rang;
  }

  /** Follows one session: a driver, as wire.js describes it. */
  drive = (address, wire) =>
    new Promise((resolve) => {
      const { signal } = wire;
      const id = `s${(this.#count += 1)}`;
      const route = { ...wishOf(address), id, wire, sent: false, taken: false };
      const hangUp = () => {
        if (DEAD.has(signal.reason)) this.cut();
        else this.#leave(route);
      };
      route.end = (ending) => {
        signal.removeEventListener("abort", hangUp);
        if (this.#routes.get(route.session) === route) this.#routes.delete(route.session);
        resolve(ending);
        this.#rest();
      };
      signal.addEventListener("abort", hangUp);
      this.#join(route);
    });

  /** Closes the socket; who is subscribed will come back and find another one. */
  cut() {
    this.#drop(LOST);
  }

  #join(route) {
    clearTimeout(this.#linger);
    this.#routes.set(route.session, route);
    wireUp(route, (message) => this.#say(message));
    if (this.#socket === null) this.#open();
    else if (this.#greeting && !this.#leaving) this.#subscribe(route);
  }

  #leave(route) {
    const { id, session, sent, wire } = route;
    const known = sent && wire.signal.reason !== "bye"; // a bye has ended it there
    if (known) this.#say({ type: "unsubscribe", id: `u${id}`, session });
    route.end(LOST);
  }

  #open() {
    const address = new URL(this.#address);
    const [{ frames }] = this.#routes.values();
    address.searchParams.set("frames", frames);
    const socket = dial(address);
    if (socket === null) {
      this.#drop(LOST);
      return;
    }
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = ({ code, reason }) => this.#drop({ code, words: code === 4400 ? reason : "" });
  }

  #subscribe(route) {
    const { id, session, after, types, until } = route;
    route.sent = true;
    this.#say({ type: "subscribe", id, session, after, types, until });
  }

  #say(message) {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  #hear(data) {
    this.#alive();
    const envelope = decode(data);
    if (envelope === null) return;
    const { session, frame } = envelope;
    if (session === null) this.#own(frame);
    else this.#pass(this.#routes.get(session), [frame].flat(), data.length);
  }

  #alive() {
    const now = performance.now();
    if (now - this.#heard < HEARD_MS) return;
    this.#heard = now;
    for (const { wire } of this.#routes.values()) wire.alive();
  }

  /** What the connection says about itself, and answers. */
  #own(frame) {
    if (frame.type === "ready") {
      this.#greeting = frame;
      for (const route of this.#routes.values()) this.#subscribe(route);
      this.#rang();
    } else if (frame.type === "bye") {
      for (const { sent, wire } of [...this.#routes.values()]) if (sent) deliver(frame, wire);
      this.#drop(LOST);
    } else if (ANSWERS.has(frame.type)) {
      this.#answer(frame);
    }
  }

  #answer(frame) {
    const [id, own] = String(frame.to).split(".");
    const route = [...this.#routes.values()].find((each) => each.id === id);
    if (!route) return;
    route.wire.alive();
    if (own !== undefined) deliver({ ...frame, to: own }, route.wire);
    else if (frame.type === "ok") route.taken = true;
    else route.end({ code: 4400, words: frame.message });
  }

  #pass(route, frames, size) {
    if (!route?.taken) return;
    route.wire.alive();
    this.#leaving ||= frames[0].type === "bye" && LEAVING.has(frames[0].reason);
    for (const frame of frames) deliver(frame, route.wire, size / frames.length);
  }

  #rest() {
    if (this.#routes.size > 0 || this.#socket === null) return;
    clearTimeout(this.#linger);
    this.#linger = setTimeout(() => this.#drop(LOST), LINGER_MS);
  }

  /** The socket is gone, or is to go, and with it all that was subscribed. */
  #drop(ending) {
    const socket = this.#socket;
    this.#socket = this.#greeting = null;
    const left = this.#leaving;
    this.#leaving = false;
    clearTimeout(this.#linger);
    if (socket !== null) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    for (const route of [...this.#routes.values()]) if (route.sent || !left) route.end(ending);
    if (left && this.#routes.size > 0) this.#open();
  }
}

function wishOf(address) {
  const { pathname, searchParams: query } = address;
  return {
    session: decodeURIComponent(pathname.slice(pathname.lastIndexOf("/") + 1)),
    after: query.get("after") ?? "",
    types: query.get("types")?.split(",") ?? [],
    until: query.get("until") ?? "run",
    frames: query.get("frames") ?? "arrays",
  };
}

/** Answers come back with the id that they were asked by, so that one carries the route's. */
function wireUp({ id, session, wire }, say) {
  wire.opened((message) => say({ ...message, session, id: `${id}.${message.id}` }));
}
