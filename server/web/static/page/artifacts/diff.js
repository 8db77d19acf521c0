// Which line of a unified diff is what: pure.

const HUNK = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/;
const HEAD =
  /^(diff |index |Index: |--- |\+\+\+ |=====|(new|deleted|old) (file )?mode |rename |similarity )/;

/**
 * A hunk is as long as its header says: a line of `---` within it is one that is gone, not a name.
 *
 * @param {string[]} lines
 * @returns {("file" | "hunk" | "added" | "gone" | "")[]}
 */
export function diffClasses(lines) {
  let [before, after] = [0, 0];
  return lines.map((line) => {
    const hunk = HUNK.exec(line);
    if (before <= 0 && after <= 0) {
      if (!hunk) return HEAD.test(line) ? "file" : "";
      [before, after] = [Number(hunk[1] ?? 1), Number(hunk[2] ?? 1)];
      return "hunk";
    }
    if (line.startsWith("\\")) return ""; // no newline at the end of the file
    if (line.startsWith("+")) after -= 1;
    else before -= 1;
    if (!line.startsWith("+") && !line.startsWith("-")) after -= 1;
    return { "+": "added", "-": "gone" }[line[0]] ?? "";
  });
}
