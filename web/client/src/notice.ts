// A running job's progress where it is seen from another tab: title, icon, notification.

import type { Snapshot } from "./events.gen.ts";
import type {} from "./element.ts";
import { isTerminal } from "./reduce.ts";

export interface NoticeOptions {
  /** Off: the title stays as it is. */
  readonly title?: boolean;
  /** The icon's address at a fraction (null while unknown); false: it stays. */
  readonly icon?: ((fraction: number | null) => string) | false;
  /** The text of a notification when a job ends unseen. The page has asked for the permission. */
  readonly notification?: (state: Snapshot) => { readonly title: string; readonly body?: string };
}

export interface Notice {
  /** The state of one of the page's jobs. */
  show(state: Snapshot): void;
  close(): void;
}

/** Shows jobs together: their mean, while one of them runs. */
export function createNotice(options: NoticeOptions = {}): Notice {
  const { title = true, icon = pie, notification } = options;
  const running = new Map<string, number | null>();
  const ownTitle = document.title;
  const links = [...document.querySelectorAll<HTMLLinkElement>('link[rel~="icon"]')];
  const own = links.map(({ type, href }) => ({ type, href }));
  let shownPercent: number | null | undefined;

  function fraction(): number | null {
    const known = [...running.values()].filter((each) => each !== null);
    return known.length ? known.reduce((sum, each) => sum + each, 0) / running.size : null;
  }

  function draw(): void {
    if (!running.size) return restore();
    const now = fraction();
    const percent = now === null ? null : Math.floor(now * 100);
    if (percent === shownPercent) return;
    shownPercent = percent;
    if (title) document.title = percent === null ? `… ${ownTitle}` : `${percent} % ${ownTitle}`;
    if (icon) {
      for (const link of links) Object.assign(link, { type: "", href: icon(now) });
    }
  }

  function restore(): void {
    if (shownPercent === undefined) return;
    shownPercent = undefined;
    if (title) document.title = ownTitle;
    if (icon) links.forEach((link, at) => Object.assign(link, own[at]));
  }

  function tellEnd(state: Snapshot): void {
    if (!notification || !document.hidden) return;
    if (globalThis.Notification?.permission !== "granted") return;
    const { title, body } = notification(state);
    try {
      // The tag leaves one notification for each job, whichever tabs make it.
      new Notification(title, { tag: `job-progress ${state.jobId}`, ...(body ? { body } : {}) });
    } catch {
      // Some mobile browsers show notifications from service workers only.
    }
  }

  return {
    show(state) {
      const { jobId, status, progress } = state;
      if (!isTerminal(status)) running.set(jobId, progress?.fraction ?? null);
      // A job that had ended before this page saw it run is no news.
      else if (running.delete(jobId)) tellEnd(state);
      draw();
    },
    close() {
      running.clear();
      draw();
    },
  };
}

/** A filled part of a circle, as an image in an address. */
export function pie(fraction: number | null): string {
  const arc = Math.round((fraction ?? 0) * 100);
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-16 -16 32 32"><circle r="15" fill="#ddd"/>' +
    '<circle r="7.5" fill="none" stroke="#6a2ff0" stroke-width="15" pathLength="100" ' +
    `stroke-dasharray="${arc} 100" transform="rotate(-90)"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** Shows all <job-progress> of a document. */
export function noticeElements(options: NoticeOptions = {}): Notice {
  const notice = createNotice(options);
  const show = ({ detail: { state } }: GlobalEventHandlersEventMap["job-change"]): void => {
    if (state) notice.show(state);
  };
  document.addEventListener("job-change", show);
  return {
    show: notice.show,
    close() {
      document.removeEventListener("job-change", show);
      notice.close();
    },
  };
}
