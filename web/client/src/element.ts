// <job-progress job-id="…">: one job's progress, live.

import type { JobsClient, View } from "./client.ts";
import type { Snapshot, StreamEvent } from "./events.gen.ts";
import { coalesce } from "./frame.ts";
import type { Connection } from "./messages.ts";
import { isTerminal } from "./reduce.ts";
import { build, LAYOUT, STYLE } from "./element.layout.ts";
import { usualClient, type Site } from "./usual.ts";
import { visible } from "./visible.ts";
import { english, isLost, type Words } from "./words.ts";

/** The attributes of the element. */
export interface JobProgressAttributes {
  readonly "job-id"?: string | undefined;
  /** Present: shows the items, too. */
  readonly items?: "" | undefined;
  /** The bar's name. */
  readonly label?: string | undefined;
  /** Where the blueprint of progress/ is mounted; where the script came from, if the blueprint served it. */
  readonly base?: string | undefined;
  /** The address of the page to sign in, to which this page's own is added: `/sign-in?next=`. */
  readonly "sign-in"?: string | undefined;
  /** `use-credentials`: requests to another site bear its cookies. */
  readonly crossorigin?: "use-credentials" | undefined;
}

/** The events of the element; they bubble. */
export interface JobProgressEventMap {
  /** Each event of the job, in order, with the position after it. */
  "job-event": CustomEvent<{ readonly event: StreamEvent | null; readonly id: string }>;
  /** The state or the connection changed: at most once a frame. */
  "job-change": CustomEvent<View<Snapshot>>;
  /** The job came to its terminal status. Told once. */
  "job-end": CustomEvent<{ readonly state: Snapshot }>;
}

declare global {
  interface HTMLElementTagNameMap {
    "job-progress": JobProgressElement;
  }
  interface GlobalEventHandlersEventMap extends JobProgressEventMap {}
}

// The module can be loaded where there is no document, as on a server.
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

/**
 * Its attributes are `JobProgressAttributes`. What is inside is shown until the first state is there. Parts: `bar`, `fill`, `text`, `counts`, `pace`,
 * `phase`, `waiting`, `note`, `current`, `error`, `result`, `slowest`, `connection`, `try-now`, `sign-in`. `data-status` on the element is the job's status.
 */
export class JobProgressElement extends Base {
  static readonly observedAttributes = ["job-id", "items", "label", "base", "crossorigin", "sign-in"];
  /** The sentences of all elements; replace them for another language. */
  static words: Words = english;

  #client: JobsClient | undefined;
  #view: View<Snapshot> | undefined;
  #unfollow: (() => void) | undefined;
  #hasEnded = false;
  #root: ShadowRoot | undefined;
  #later: ReturnType<typeof setTimeout> | undefined;
  readonly #drawing = coalesce(() => this.#draw());

  /** The client through which the element follows its job; by default the page's own. */
  get client(): JobsClient {
    return this.#client ?? usualClient(this.#site());
  }

  set client(client: JobsClient) {
    this.#client = client;
    this.#follow();
  }

  #site(): Site {
    const credentials = this.getAttribute("crossorigin") === "use-credentials" ? "include" : undefined;
    return { base: this.getAttribute("base") ?? undefined, credentials };
  }

  get jobId(): string | null {
    return this.getAttribute("job-id");
  }

  set jobId(jobId: string | null) {
    if (jobId === null) this.removeAttribute("job-id");
    else this.setAttribute("job-id", jobId);
  }

  /** The job's state as last heard, or null. */
  get state(): Snapshot | null {
    return this.#view?.state ?? null;
  }

  connectedCallback(): void {
    this.#follow();
  }

  disconnectedCallback(): void {
    this.#leave();
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after || !this.isConnected) return;
    if (name === "label" || name === "sign-in") this.#drawing.request();
    else this.#follow();
  }

  #follow(): void {
    this.#leave();
    this.#view = undefined;
    this.#hasEnded = false;
    if (!this.isConnected || !this.jobId) return;
    this.#unfollow = this.client.followJob(this.jobId, (view, event) => this.#take(view, event), {
      items: this.hasAttribute("items"),
    });
  }

  #leave(): void {
    this.#unfollow?.();
    this.#unfollow = undefined;
    this.#drawing.cancel();
    clearTimeout(this.#later);
  }

  #take(view: View<Snapshot>, event?: StreamEvent | null): void {
    this.#view = view;
    this.#drawing.request();
    if (event !== undefined) this.#tell("job-event", { event, id: view.cursor });
  }

  #tell<Name extends keyof JobProgressEventMap>(name: Name, detail: JobProgressEventMap[Name]["detail"]): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  #draw(): void {
    const view = this.#view;
    if (!view) return;
    const { state, connection } = view;
    const words = (this.constructor as typeof JobProgressElement).words;
    if (state) {
      const isOver = isTerminal(state.status);
      this.dataset["status"] = state.status;
      this.#drawBar(state, words);
      this.#say({
        counts: words.counts(state.progress),
        pace: isOver ? "" : [words.pace(state.progress), words.rate(state.progress)].filter(Boolean).join(", "),
        phase: words.phase(state.progress),
        waiting: view.waiting ? words.waiting(view.waiting, state.status) : "",
        note: state.note?.text,
        current: this.#current(state, words),
        error: state.error?.message,
        result: words.result(state.result),
        slowest: isOver && this.hasAttribute("items") ? words.slowest(state.slowestItems ?? []) : "",
      });
    }
    this.#drawConnection(connection, words);
    this.#tell("job-change", view);
    if (!state || this.#hasEnded || !isTerminal(state.status)) return;
    this.#hasEnded = true;
    this.#tell("job-end", { state });
  }

  #drawBar({ status, progress }: Snapshot, words: Words): void {
    this.#part("panel").hidden = false;
    this.#part("fallback").hidden = true;
    const bar = this.#part("bar");
    const fraction = progress?.fraction ?? null;
    const percent = Math.floor((fraction ?? 0) * 100);
    setAttribute(bar, "aria-label", this.getAttribute("label") ?? "Progress");
    setAttribute(bar, "aria-valuetext", words.counts(progress) || status);
    setAttribute(bar, "aria-valuenow", fraction === null ? null : String(percent));
    bar.classList.toggle("moving", fraction === null && !isTerminal(status));
    this.#part("fill").style.inlineSize = `${(fraction ?? 0) * 100}%`;
  }

  #drawConnection(connection: Connection, words: Words): void {
    const [again, door] = [this.#part("try-now"), this.#part("sign-in")];
    const address = connection.state === "closed" && connection.status === 401 && this.getAttribute("sign-in");
    this.#say({ connection: words.connection(connection), "try-now": words.tryNow, "sign-in": words.signIn });
    // Kept while a try is under way: a button that goes would take the keyboard's focus with it.
    again.hidden = !isLost(connection);
    door.hidden = !address;
    setAttribute(door, "href", address ? address + encodeURIComponent(here()) : null);
  }

  /** The newest item in progress, and how long it is worked on. */
  #current({ itemsInProgress }: Snapshot, words: Words): string {
    clearTimeout(this.#later);
    const item = itemsInProgress.at(-1);
    if (!item) return "";
    // The time on the item goes on while no event comes.
    this.#later = setTimeout(() => this.#drawing.request(), 15_000);
    return [item.label ?? item.itemId, words.since(item)].filter(Boolean).join(" · ");
  }

  /** Sets the texts of parts. */
  #say(texts: Record<string, string | undefined>): void {
    for (const [name, told = ""] of Object.entries(texts)) {
      const part = this.#part(name);
      const text = visible(told);
      // A screen reader may say a text anew whenever it is set, even to the same.
      if (part.textContent !== text) part.textContent = text;
    }
  }

  #part(name: string): HTMLElement {
    this.#root ??= this.#build();
    return this.#root.querySelector<HTMLElement>(`[part="${name}"]`)!;
  }

  #build(): ShadowRoot {
    const root = this.attachShadow({ mode: "open" });
    root.append(...LAYOUT.map(build));
    root.querySelector("button")!.onclick = () => this.client.tryNow();
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    // A page's policy may forbid style elements, but not adopted style sheets.
    root.adoptedStyleSheets = [style];
    return root;
  }
}

/** This page, as a path of its site. */
const here = (): string => location.href.slice(location.origin.length);

/** Sets an attribute only where it changes: each setting is work for a screen reader. */
function setAttribute(element: Element, name: string, value: string | null): void {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

/** Makes the element known to the document. Harmless if repeated. */
export function defineJobProgress(): void {
  const all = globalThis.customElements;
  if (!all?.get("job-progress")) all?.define("job-progress", JobProgressElement);
}

defineJobProgress();
