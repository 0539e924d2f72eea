// Work that is done once a frame, however often it is asked for.

/** A hidden page draws no frames: there the work is done after this long. */
const HIDDEN_MS = 250;

export interface Coalesced {
  /** Asks for the work before the next frame. */
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
