// Checks one file of rules: node rules.mjs FILE STATIC. Prints what harness.js tells.

import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

const [file, folder] = process.argv.slice(2);
const statics = pathToFileURL(`${folder}/`);

registerHooks({
  resolve(specifier, context, next) {
    const ours = specifier.startsWith("/static/");
    return next(ours ? new URL(specifier.slice(8), statics).href : specifier, context);
  },
});

await import(pathToFileURL(file));
const { run } = await import(new URL("harness.js", pathToFileURL(file)));
console.log(JSON.stringify(await run()));
