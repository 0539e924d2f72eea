// Work that is done once for all that came since it was last done.

/** In a page that nobody looks at there are no frames. */
const HIDDEN_MS = 250;

export interface Coalesced {
  /** Has it done before the next frame is drawn. */
  request(): void;
  cancel(): void;
}

export function coalesce(work: () => void): Coalesced {
  let frame = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function cancel(): void {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    timer = undefined;
  }

  function run(): void {
    cancel();
    work();
  }

  return {
    request() {
      if (timer !== undefined) return;
      timer = setTimeout(run, HIDDEN_MS);
      frame = requestAnimationFrame(run);
    },
    cancel,
  };
}
