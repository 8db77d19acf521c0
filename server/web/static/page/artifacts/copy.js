// To the clipboard, also where a page over plain HTTP has none.

import { button } from "../dom.js";

const TOLD_MS = 1500;

/** @returns {HTMLButtonElement} that copies what `find` returns, and says so for a moment */
export function copyButton(label, find, className = "") {
  let timer = 0;
  const made = button(label, `copy ${className}`, async () => {
    const done = await copyText(find());
    made.textContent = done ? "Copied" : "Refused";
    clearTimeout(timer);
    timer = setTimeout(() => {
      made.textContent = label;
    }, TOLD_MS);
  });
  made.setAttribute("aria-live", "polite");
  return made;
}

/** @returns {Promise<boolean>} whether it is in the clipboard */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedBySelection(text);
  }
}

function copiedBySelection(text) {
  const [area, focused] = [document.createElement("textarea"), document.activeElement];
  area.value = text;
  area.className = "spoken";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  focused?.focus?.();
  return done;
}
