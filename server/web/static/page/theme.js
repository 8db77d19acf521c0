// Light, dark, or as the system has it; kept for this browser.

const KEY = "keepstream:theme";
const CHOICES = ["system", "light", "dark"];

/** @returns {"system" | "light" | "dark"} */
export function theme() {
  return document.documentElement.dataset.theme ?? "system";
}

/** @param {"system" | "light" | "dark"} choice */
export function setTheme(choice) {
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // no storage allowed: it holds until the page is loaded anew
  }
}

/** To be called once, before anything is drawn. */
export function restoreTheme() {
  try {
    const kept = localStorage.getItem(KEY);
    if (CHOICES.includes(kept)) setTheme(kept);
  } catch {
    // as above
  }
}

/** @returns {"system" | "light" | "dark"} the choice that follows */
export function nextTheme() {
  const choice = CHOICES[(CHOICES.indexOf(theme()) + 1) % CHOICES.length];
  setTheme(choice);
  return choice;
}
