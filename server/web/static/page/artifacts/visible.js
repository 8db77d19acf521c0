// Text that is shown as it is, and what must be told of it: pure.

// Control and format characters, line separators and halves of pairs. The joiners U+200C and
// U+200D stay: scripts and emoji are written with them.
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const TURNING = /[\u202a-\u202e\u2066-\u2069]/u;

/** @returns {string} with every character that could not be seen as its escape */
export function visible(text) {
  return text.replace(UNSEEN, escaped);
}

/** @returns {boolean} whether the text can show itself in another order than it is stored in */
export function turns(text) {
  return TURNING.test(text);
}

/** @returns {string} as JSON writes it, with nothing in it that cannot be seen */
export function quoted(text) {
  return visible(JSON.stringify(text));
}

/** @returns {string} the way to a value, as JavaScript and JSONPath would write it */
export function pathOf(keys) {
  return keys.reduce((path, key) => {
    if (typeof key === "number") return `${path}[${key}]`;
    return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `${path}.${key}` : `${path}[${quoted(key)}]`;
  }, "$");
}

/** @returns {string} a name to save under: no folders, nothing unseen, not too long */
export function fileName(name) {
  const last = name.split(/[/\\]/).at(-1).replace(UNSEEN, "_").replace(/[<>:"|?*]/g, "_");
  const trimmed = last.replace(/^[. ]+|[. ]+$/g, "");
  const short = `${trimmed.slice(0, 100)}${trimmed.slice(-20)}`;
  return trimmed.length > 120 ? short : trimmed || "artifact";
}

/**
 * Cuts at line ends where it can: a browser lays out many blocks faster than a long one.
 *
 * @returns {string[]} whose joining by line ends is the text; a longer line is cut anywhere
 */
export function blocks(text, most = 8192) {
  const found = [];
  let start = 0;
  while (text.length - start > most) {
    const end = text.lastIndexOf("\n", start + most);
    const cut = end > start ? end : start + most;
    found.push(text.slice(start, cut));
    start = end > start ? cut + 1 : cut;
  }
  found.push(text.slice(start));
  return found;
}

function escaped(letter) {
  const code = letter.codePointAt(0).toString(16);
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
}
