// What shows artifacts and JSON: loaded with the first of them. Without it there is text.

let asked = null;

export const viewers = {
  /** The module, once it is there: a row that comes back is drawn in one go. */
  now: null,

  /** @returns {Promise<{artifact: Function, jsonTree: Function} | null>} */
  load() {
    asked ??= import("../artifacts/artifact.js").then(
      (module) => (viewers.now = module),
      () => null,
    );
    return asked;
  },
};
