// Which transport got ready last, for each server: kept for a tab, so that another day, on another
// network, gets another chance.

const KEY = "keepstream:transport:";

/** @returns {string | null} */
export function recall(origin) {
  try {
    return sessionStorage.getItem(KEY + origin);
  } catch {
    return null; // no storage, or none allowed: each stream then learns it for itself
  }
}

export function remember(origin, transport) {
  try {
    sessionStorage.setItem(KEY + origin, transport);
  } catch {
    // as above
  }
}
