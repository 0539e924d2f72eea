// <job-run job-id="…">: how a job went, as a picture, as a table, and once more.

import type { EventPage, Run, RunRow } from "../events.gen.ts";
import { isTerminal } from "../reduce.ts";
import { urlsBelow, type Way } from "../urls.ts";
import { visible } from "../visible.ts";
import { draw, type Drawing } from "./drawing.ts";
import { pictureOf, type Bar, type Picture } from "./picture.ts";
import { playerOf, type Player } from "./player.ts";
import { readPlayback } from "./playback.ts";
import { LAYOUT, STYLE } from "./style.ts";
import { english, type RunWords } from "./words.ts";

/** The attributes of the element. */
export interface JobRunAttributes {
  readonly "job-id"?: string | undefined;
  /** Where the blueprint of progress/ is mounted; where the script came from, if the blueprint served it. */
  readonly base?: string | undefined;
  /** `use-credentials`: requests to another site bear its cookies. */
  readonly crossorigin?: "use-credentials" | undefined;
}

declare global {
  interface HTMLElementTagNameMap {
    "job-run": JobRunElement;
  }
}

/** A job that is under way is looked at again after this long, and when its `<job-progress>` tells its end. */
const AGAIN_MS = 5_000;
/** A job of which there is no run is asked for so often: it may be about to be sent. */
const MOST_MISSES = 4;

// The module can be loaded where there is no document, as on a server.
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

/**
 * Its attributes are `JobRunAttributes`. What is inside is shown until the run is there, and stays where there is
 * none. Parts: `summary`, `picture`, `detail`, `player`, `details`, `tables`.
 */
export class JobRunElement extends Base {
  static readonly observedAttributes = ["job-id", "base", "crossorigin"];
  /** The sentences of all elements; replace them for another language. */
  static words: RunWords = english;
  /** Where the jobs are of an element without `base`. */
  static base = "";

  #run: Run | undefined;
  #picture: Picture | undefined;
  #drawing: Drawing | undefined;
  #player: Player | undefined;
  #root: ShadowRoot | undefined;
  #later: ReturnType<typeof setTimeout> | undefined;
  #sizes: ResizeObserver | undefined;
  #misses = 0;
  /** Counts the jobs that were shown: what comes late of an earlier one is dropped. */
  #turn = 0;

  /** The run as last heard, or null. */
  get run(): Run | null {
    return this.#run ?? null;
  }

  set run(run: Run) {
    this.#run = run;
    this.#draw();
  }

  connectedCallback(): void {
    document.addEventListener("job-end", this.#onEnd);
    document.addEventListener("visibilitychange", this.#onLook);
    this.#begin();
  }

  disconnectedCallback(): void {
    document.removeEventListener("job-end", this.#onEnd);
    document.removeEventListener("visibilitychange", this.#onLook);
    this.#leave();
  }

  attributeChangedCallback(_: string, before: string | null, after: string | null): void {
    if (before !== after && this.isConnected) this.#begin();
  }

  readonly #onEnd = ({ detail }: CustomEvent<{ readonly state: { readonly jobId: string } }>): void => {
    if (detail.state.jobId === this.getAttribute("job-id")) void this.#look();
  };

  readonly #onLook = (): void => {
    if (!document.hidden && !this.#isOver()) void this.#look();
  };

  #isOver(): boolean {
    return this.#run !== undefined && isTerminal(this.#run.status);
  }

  #begin(): void {
    this.#leave();
    this.#turn += 1;
    this.#run = undefined;
    this.#misses = 0;
    void this.#look();
  }

  #leave(): void {
    this.#player?.pause();
    this.#player = undefined;
    this.#sizes?.disconnect();
    this.#sizes = undefined;
    clearTimeout(this.#later);
  }

  async #look(): Promise<void> {
    clearTimeout(this.#later);
    const turn = this.#turn;
    // A server that is away is asked again and again.
    const found = await this.#ask<Run>("run").catch(() => undefined);
    if (turn !== this.#turn || !this.isConnected) return;
    if (found) this.run = found;
    if (found === null) this.#misses += 1;
    if (this.#isOver() || document.hidden || this.#misses > MOST_MISSES) return;
    clearTimeout(this.#later);
    this.#later = setTimeout(() => void this.#look(), AGAIN_MS);
  }

  /** The answer of the server; null where it has none. */
  async #ask<Answer>(way: Way, query = ""): Promise<Answer | null> {
    const jobId = this.getAttribute("job-id");
    if (!jobId) return null;
    const base = this.getAttribute("base") ?? (this.constructor as typeof JobRunElement).base;
    const credentials = this.getAttribute("crossorigin") === "use-credentials" ? "include" : "same-origin";
    const headers = { Accept: "application/json" };
    const answer = await fetch(urlsBelow(base)(jobId, way) + query, { credentials, headers, cache: "no-cache" });
    if (answer.status === 404 || answer.status === 401) return null;
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return answer.json() as Promise<Answer>;
  }

  get #words(): RunWords {
    return (this.constructor as typeof JobRunElement).words;
  }

  #draw(): void {
    const run = this.#run;
    if (!run) return;
    const words = this.#words;
    const picture = (this.#picture = pictureOf(run, Date.now()));
    this.#part("panel").hidden = false;
    this.#part("fallback").hidden = true;
    const waits = picture.bars.filter(({ kind }) => kind === "wait");
    const waited = waits.reduce((sum, { begin, end }) => sum + end - begin, 0);
    const attempts = run.rows.filter(({ kind }) => kind === "attempt").length;
    const isOver = isTerminal(run.status);
    this.#say("summary", words.summary(picture.to - picture.from, waited, attempts, run.leftOut, isOver));
    this.#part("player").hidden = !isOver;
    this.#drawPicture();
    if ((this.#part("details") as HTMLDetailsElement).open) this.#drawTables();
    if (this.#sizes) return;
    this.#sizes = new ResizeObserver(() => this.#drawPicture());
    this.#sizes.observe(this.#part("picture"));
  }

  #width = 0;
  #drawn: Picture | undefined;

  #drawPicture(): void {
    const [picture, place] = [this.#picture, this.#part("picture")];
    const width = Math.floor(place.clientWidth);
    if (!picture || width === 0 || (width === this.#width && picture === this.#drawn)) return;
    [this.#width, this.#drawn] = [width, picture];
    const focused = this.#drawing?.bars.get(this.#root!.activeElement as SVGElement);
    this.#drawing = draw(picture, width, this.#words);
    place.replaceChildren(this.#drawing.svg);
    const bars = [...this.#drawing.bars];
    const [again] = bars.find(([, bar]) => focused && nameOf(bar) === nameOf(focused)) ?? [];
    (again ?? bars[0]?.[0])?.setAttribute("tabindex", "0");
    again?.focus();
  }

  /** Goes from bar to bar: along a lane, and to the nearest of another one. */
  #onKey(event: KeyboardEvent): void {
    const bars = [...(this.#drawing?.bars ?? [])];
    const at = bars.findIndex(([element]) => element === event.target);
    if (at < 0) return;
    const lanes = lanesOf(bars);
    const lane = lanes.findIndex((each) => each.includes(bars[at]!));
    const place = lanes[lane]!.indexOf(bars[at]!);
    const near = (other: readonly Entry[] | undefined): Entry | undefined => other && nearest(other, bars[at]![1]);
    const targets: Record<string, Entry | undefined> = {
      ArrowRight: lanes[lane]![place + 1],
      ArrowLeft: lanes[lane]![place - 1],
      ArrowDown: near(lanes[lane + 1]),
      ArrowUp: near(lanes[lane - 1]),
      Home: bars[0],
      End: bars.at(-1),
    };
    if (!(event.key in targets)) return;
    event.preventDefault();
    const target = targets[event.key]?.[0];
    if (!target) return;
    (event.target as Element).setAttribute("tabindex", "-1");
    target.setAttribute("tabindex", "0");
    target.focus();
  }

  #tell(event: Event): void {
    const bar = this.#drawing?.bars.get(event.target as SVGElement);
    if (bar) this.#part("detail").textContent = visible(this.#words.bar(bar, this.#picture!.from));
  }

  #drawTables(): void {
    const [run, picture, words] = [this.#run, this.#picture, this.#words];
    if (!run || !picture) return;
    const bars = [...picture.bars].sort((one, other) => one.begin - other.begin);
    const rows = bars.map((bar) => [
      words.what(bar),
      String(bar.attempt),
      words.clock(bar.begin - picture.from),
      words.duration(bar.end - bar.begin),
      bar.status === "waiting" ? "" : words.end(bar.status),
    ]);
    const counts = run.points.map(({ at, done, failed }) =>
      [words.clock(Date.parse(at) - picture.from), String(done), String(failed)]);
    this.#part("tables").replaceChildren(
      table(`${words.title}, ${words.since(picture.from)}`, words.columns, rows),
      ...(counts.length ? [table(words.seriesTitle, words.series, counts)] : []),
    );
  }

  async #playback(): Promise<void> {
    const [turn, words] = [this.#turn, this.#words];
    this.#say("told", words.loading);
    try {
      const playback = await readPlayback(async ({ after, limit }) => {
        const from = after === undefined ? "" : `after=${after}&`;
        const page = await this.#ask<EventPage>("events", `?${from}limit=${limit}`);
        return page ?? { cursor: null, ended: true, events: [] };
      });
      if (turn !== this.#turn) return;
      this.#say("told", playback?.length ? (playback.trimmed ? words.trimmed(playback.trimmed) : "") : words.gone);
      if (!playback?.length) return;
      this.#part("again").hidden = true;
      this.#part("playback").hidden = false;
      this.#player = playerOf(playback, (name) => this.#part(name), words, (time) => this.#drawing?.moment(time));
      this.#part("play").focus();
      this.#player.go(0);
      this.#player.play();
    } catch {
      this.#say("told", words.unread);
    }
  }

  /** Goes to an event of the playback, for scripts; nothing before it has been asked for. */
  scrubTo(number: number): void {
    this.#player?.pause();
    this.#player?.go(number);
  }

  #say(name: string, told: string): void {
    this.#part(name).textContent = told;
  }

  #part(name: string): HTMLElement {
    this.#root ??= this.#build();
    return this.#root.querySelector<HTMLElement>(`[part="${name}"]`)!;
  }

  #build(): ShadowRoot {
    const root = (this.#root = this.attachShadow({ mode: "open" }));
    root.innerHTML = LAYOUT;
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    // A page's policy may forbid style elements, but not adopted style sheets.
    root.adoptedStyleSheets = [style];
    this.#say("detail", this.#words.hint);
    this.#say("again", this.#words.again);
    this.#say("as-table", this.#words.asTable);
    // It may be wider than its place: then it is scrolled, by keyboard too.
    this.#part("tables").setAttribute("aria-label", this.#words.asTable);
    this.#part("again").onclick = () => void this.#playback();
    this.#part("details").addEventListener("toggle", () => this.#drawTables());
    const picture = this.#part("picture");
    picture.addEventListener("keydown", (event) => this.#onKey(event));
    for (const name of ["focusin", "pointerover"]) picture.addEventListener(name, (event) => this.#tell(event));
    return root;
  }
}

type Entry = readonly [SVGElement, Bar];

const nameOf = ({ kind, attempt, name }: Bar): string => `${kind} ${attempt} ${name}`;

const ORDER: readonly RunRow["kind"][] = ["attempt", "phase", "part"];

/** The bars lane by lane, from the upper to the lower, each by its beginning. */
function lanesOf(bars: readonly Entry[]): Entry[][] {
  const lanes = new Map<number, Entry[]>();
  for (const entry of bars) {
    const { kind, lane } = entry[1];
    const key = ORDER.indexOf(kind === "wait" ? "attempt" : kind) * 1_000 + lane;
    lanes.set(key, [...(lanes.get(key) ?? []), entry]);
  }
  const inOrder = [...lanes].sort(([one], [other]) => one - other).map(([, lane]) => lane);
  return inOrder.map((lane) => lane.sort(([, one], [, other]) => one.begin - other.begin));
}

function nearest(lane: readonly Entry[], { begin }: Bar): Entry | undefined {
  const away = ([, bar]: Entry): number => Math.abs(bar.begin - begin);
  return [...lane].sort((one, other) => away(one) - away(other))[0];
}

function table(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): HTMLTableElement {
  const made = document.createElement("table");
  made.createCaption().textContent = title;
  const head = made.createTHead().insertRow();
  for (const column of columns) head.append(cell("th", column, "col"));
  const body = made.createTBody();
  for (const [first, ...rest] of rows) {
    body.insertRow().append(cell("th", first ?? "", "row"), ...rest.map((each) => cell("td", each)));
  }
  return made;
}

function cell(tag: "th" | "td", text: string, scope = ""): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = visible(text);
  if (scope) made.setAttribute("scope", scope);
  return made;
}

/** Makes the element known to the document. Harmless if repeated. */
export function defineJobRun(name = "job-run"): void {
  if (!globalThis.customElements || customElements.get(name)) return;
  customElements.define(name, name === "job-run" ? JobRunElement : class extends JobRunElement {});
}

defineJobRun();
