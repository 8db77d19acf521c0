// What there is to use: node surface.mjs STATIC. Prints names, for comparing with keepstream.d.ts.

import { pathToFileURL } from "node:url";

const folder = pathToFileURL(`${process.argv[2]}/`);
const load = (name) => import(new URL(name, folder));
const members = ({ prototype }) =>
  Reflect.ownKeys(prototype)
    .filter((name) => name !== "constructor")
    .map((name) => (typeof name === "symbol" ? `[${name.description}]` : name));

const { Stream } = await load("client/stream.js");
const { Connection } = await load("client/connection.js");
const { OPTIONS } = await load("client/options.js");
const { Ledger } = await load("client/ledger.js");
const { STATES, stateOf } = await load("client/state.js");

console.log(
  JSON.stringify({
    exports: Object.keys(await load("keepstream.js")),
    Stream: members(Stream),
    Connection: members(Connection),
    FollowOptions: OPTIONS,
    State: Object.keys(stateOf("live", {})),
    Counts: [...Object.keys(new Ledger().counts), "cuts"],
    StateName: STATES,
  }),
);
