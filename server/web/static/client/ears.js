// What a browser tells about its network and its page; other platforms tell nothing.

/**
 * @param {{stir: (moved: boolean) => void, lost: () => void}} told `stir`: now is a good moment to
 *   try again, `moved`: the network may be another one; `lost`: there is none at the moment
 * @param {AbortSignal} signal ends the listening
 */
export function listen({ stir, lost }, signal) {
  const { document } = globalThis;
  const visible = () => document.visibilityState === "visible" && stir(false);
  globalThis.addEventListener?.("online", () => stir(true), { signal });
  globalThis.addEventListener?.("offline", lost, { signal });
  document?.addEventListener("visibilitychange", visible, { signal });
}

/** Whether there is a network, as far as the platform knows. */
export function isOnline() {
  return globalThis.navigator?.onLine !== false;
}
