// Which transport got ready last, for each server: kept for a tab, so that another day, on another
// network, gets another chance.

const KEY = "keepstream:transport:";

/**
 * @param {string} place an origin, or what else has a road of its own
 * @returns {string | null}
 */
export function recall(place) {
  try {
    return sessionStorage.getItem(KEY + place);
  } catch {
    return null; // no storage, or none allowed: each stream then learns it for itself
  }
}

export function remember(place, transport) {
  try {
    sessionStorage.setItem(KEY + place, transport);
  } catch {
    // as above
  }
}
