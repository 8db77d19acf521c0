// The types of keepstream.js, and what each option, state and method means.

/** The ways to events. `shared` is a WebSocket that many sessions share: see `connect`. */
export type Transport = "websocket" | "sse" | "poll" | "shared";

/** The transports of `follow` that this platform has, in the order of preference. */
export const TRANSPORTS: readonly Transport[];

/** An event of a session's log; it never changes. Workflows add types of their own. */
export interface SessionEvent<Data = Record<string, unknown>> {
  /** The place in the log: 1, 2, 3, … without a hole. */
  readonly offset: number;
  /** UTC, with microseconds. */
  readonly time: string;
  readonly type: string;
  /** The run that it belongs to. */
  readonly run: string;
  /** The agent that speaks, where one does. */
  readonly agent?: string;
  /** Tells two blocks of agents with one name apart. */
  readonly span?: string;
  readonly data: Data;
}

/** The log cannot continue the cursor: it begins again at `first`. Forget what you received. */
export interface Reset {
  readonly type: "reset";
  /** `epoch`: another life of the log; `ahead`: the cursor is past its end; `damaged`: a loss. */
  readonly reason: "epoch" | "ahead" | "damaged" | (string & {});
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
}

export type StateName =
  /** Not yet connected for the first time. */
  | "connecting"
  /** Connected: catching up, or at the log's end. */
  | "live"
  /** The connection broke and is taken up again. */
  | "reconnecting"
  /** The loop that iterates is slower than the events: the log keeps them until it has room. */
  | "paused"
  /** The stream is complete: nothing is missing. A loop may still have some of it to take. */
  | "ended"
  /** The server refuses to go on, for good. */
  | "stopped"
  /** The caller closed it. */
  | "closed";

/** What happened last. A server's newer reasons come as they are. */
export type Reason =
  /** An offset was left out, or the server told of more than came: taken up before the gap. */
  | "gap"
  /** The log began again. */
  | "reset"
  /** Everything of a closed session has come. */
  | "ended"
  /** By `close` or the signal. */
  | "closed"
  /** Open, but without a sign of life for two and a half heartbeats. */
  | "silent"
  /** Nothing answered. */
  | "unanswered"
  /** Given up while it was being opened, as the network changed. */
  | "abandoned"
  /** By `cut`. */
  | "cut"
  /** The connection broke, or was refused for the moment. */
  | "broken"
  /** The loop has as much as it may hold. */
  | "full"
  /** By `prefer`. */
  | "preferred"
  /** The server asks to come back: it restarts, the connection is old, it is overloaded. */
  | "restart"
  | "rotate"
  | "overloaded"
  /** The server gave up a reader that took nothing for a minute. */
  | "slow"
  /** Final: the session is gone, it is not allowed, or the request cannot be understood. */
  | "deleted"
  | "revoked"
  | "bad_request"
  | (string & {});

export interface State {
  readonly name: StateName;
  /** The same in words, for people. */
  readonly text: string;
  /** Of the present connection, or of the next one. */
  readonly transport: Transport;
  /** The transport that `prefer` forces, or null. */
  readonly preferred: Transport | null;
  /** Reconnects in a row that had to wait; 0 where all is well. */
  readonly attempt: number;
  /** Milliseconds from this state to the next try, where it waits for one. */
  readonly retryInMs: number | null;
  /** Why the last connection or the stream ended; null once another is live. */
  readonly reason: Reason | null;
  /** The state of the session, as far as it was heard of. */
  readonly session: "waiting" | "running" | "closed" | null;
  /** Offsets between here and where the log ended when the present connection began. */
  readonly behind: number;
  /** Offsets that had come while no connection was there, as the newest connection found. */
  readonly missed: number;
  /** The newest offset that was known of. `stream.last` is as of now. */
  readonly last: number;
}

export interface Counts {
  /** Delivered. */
  readonly events: number;
  /** Found, and healed. */
  readonly gaps: number;
  /** Events that came twice, and were delivered once. */
  readonly doubles: number;
  /** How often the log began again. */
  readonly resets: number;
  /** Connections that broke. */
  readonly cuts: number;
}

export interface FollowOptions {
  /** A cursor to go on after, `now`, or empty for the first event (the default). */
  after?: string;
  /** Only events of these types. Offsets jump then, so a gap between events cannot be seen. */
  types?: readonly string[];
  /** `run` (the default) ends when the session is closed; `forever` waits for later runs. */
  until?: "run" | "forever";
  /** Each event once, in order. The cursor includes it: keep it after you have handled it. */
  onEvent?: (event: SessionEvent, cursor: string) => void;
  /** On every change of state, not on every event. */
  onState?: (state: State) => void;
  /** The log begins again: forget what was received. Comes before the first event that follows. */
  onReset?: (reset: Reset) => void;
  /** Closes the stream when aborted; a loop then ends without an error. */
  signal?: AbortSignal;
  /** The transports to choose from, in the order of preference. */
  transports?: readonly Transport[];
  /** Seconds that a long poll may wait for its answer, 1 to 30 (25). */
  pollSeconds?: number;
  /** Events that may wait for a loop before the connection is given up (1000). */
  buffer?: number;
}

/**
 * A session being followed. Without `onEvent`, events wait for a loop:
 * `for await (const event of stream)`.
 */
export interface Stream {
  /** Everything up to here was delivered. Give it as `after` to go on later, elsewhere. */
  readonly cursor: string;
  readonly state: State;
  /** As of now, as all properties of a stream are. */
  readonly counts: Counts;
  /** The newest offset that is known of; 0 before any is. */
  readonly last: number;
  /** Events that have come and wait for the loop. */
  readonly buffered: number;
  /** Milliseconds since bytes came last, on any connection; null before the first. */
  readonly heardAgeMs: number | null;
  /** Milliseconds between heartbeats as the server has said, null while no connection is ready. */
  readonly heartbeatMs: number | null;
  /** Milliseconds of silence after which the present connection counts as dead; null as above. */
  readonly deadAfterMs: number | null;
  /** Closes the present socket, as a bad network would; the stream is taken up again. */
  cut(): void;
  /** Stops following. The run goes on: only `cancel` ends it. */
  close(): void;
  /** Forces a transport from now on, without a fallback; null leaves the choice to experience. */
  prefer(transport: Transport | null): void;
  /** Asks for a run to be cancelled; resolves when the request was taken. */
  cancel(run: string): Promise<void>;
  /** Answers an `input_request`; rejects with the server's words where it is not pending. */
  input(run: string, request: string, value: unknown): Promise<void>;
  /**
   * The events, for one loop, whose pace is the stream's from here on: an event is delivered when
   * the loop takes it (to `onEvent` too), and `cursor` then includes it. Leaving the loop closes
   * the stream. The loop ends when the stream is complete or closed, and throws a `StopError` when
   * it is stopped. A second loop is a TypeError: follow again.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<SessionEvent>;
}

/** What a loop throws when the server refuses to go on: its words are the message. */
export interface StopError extends Error {
  readonly reason: Reason;
}

/** Many sessions over one WebSocket. */
export interface Connection {
  /** The ids of the sessions that are followed now. */
  readonly sessions: string[];
  /** Follows a session; a TypeError where it is followed over this connection already. */
  follow(session: string, options?: FollowOptions): Stream;
  /** Closes the present socket, as a bad network would; all streams are taken up again. */
  cut(): void;
  /** Closes all its streams and the socket. Runs go on. */
  close(): void;
}

/**
 * Follows one session, through every disconnect. One that does not exist yet is waited for.
 *
 * @param url the session's address, `…/api/sessions/<id>`; absolute where there is no page
 */
export function follow(url: string | URL, options?: FollowOptions): Stream;

/**
 * Follows many sessions over one WebSocket, which is open while one is followed.
 *
 * @param url `…/api/ws`, which is the default; absolute where there is no page
 * @param options what its streams have where they don't say otherwise
 */
export function connect(url?: string | URL, options?: FollowOptions): Connection;
