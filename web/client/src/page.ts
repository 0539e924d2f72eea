// The events of a page that matter to its connections.

export interface PageListener {
  /** The page is about to be frozen or put away: open connections and locks would prevent that. */
  sleep(): void;
  /** Timers may have stood still until now, and connections may have died unseen. */
  wake(): void;
  offline?(): void;
}

const EVENTS = ["pageshow", "pagehide", "online", "offline", "visibilitychange", "freeze", "resume"];

/** Listens to the page, where there is one. Returns how to stop. */
export function listenToPage(listener: PageListener): () => void {
  if (typeof document === "undefined") return () => {};

  function hear({ type }: Event): void {
    if (type === "pagehide" || type === "freeze") listener.sleep();
    else if (type === "offline") listener.offline?.();
    else if (type !== "visibilitychange" || !document.hidden) listener.wake();
  }

  // Captured: those of the document pass the window on their way down.
  for (const type of EVENTS) addEventListener(type, hear, true);
  return () => {
    for (const type of EVENTS) removeEventListener(type, hear, true);
  };
}
