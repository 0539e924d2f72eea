// The picture as SVG, in a box of a width: bars that can be focused, the rate, failures, the axis.

import { ticksOf, type Bar, type Picture } from "./picture.ts";
import type { RunWords } from "./words.ts";

const SVG = "http://www.w3.org/2000/svg";
const TITLE = 16;
const GAP = 10;
const CHART = 60;
const AXIS = 20;
/** All lanes of the parts together are at most this high. */
const PARTS = 160;
/** Of a letter, on average. */
const LETTER = 7;

export interface Drawing {
  readonly svg: SVGSVGElement;
  /** The bars as they stand in the document. */
  readonly bars: ReadonlyMap<SVGElement, Bar>;
  /** Shows a moment as a line over everything, or none. */
  moment(time: number | null): void;
}

export function draw(picture: Picture, width: number, words: RunWords): Drawing {
  const svg = element("svg", { role: "group", "aria-label": words.title, "aria-description": words.hint });
  const bars = new Map<SVGElement, Bar>();
  const x = (time: number): number => ((time - picture.from) / (picture.to - picture.from)) * width;
  let top = 0;

  function lanes(kind: "attempt" | "phase" | "part", height: number, gap: number): void {
    const count = picture.lanes[kind];
    if (count === 0) return;
    svg.append(title(words.lanes[kind], top));
    top += TITLE;
    for (const bar of picture.bars) {
      if (bar.kind !== kind && !(kind === "attempt" && bar.kind === "wait")) continue;
      const place = { left: x(bar.begin), top: top + bar.lane * (height + gap), height };
      const made = barOf(bar, place, Math.max(2, x(bar.end) - place.left), width, picture, words);
      svg.append(...made);
      bars.set(made[0]!, bar);
    }
    top += count * (height + gap) + GAP;
  }

  lanes("attempt", 22, 2);
  lanes("phase", 20, 2);
  const each = Math.max(2, Math.min(12, Math.floor(PARTS / Math.max(1, picture.lanes.part))));
  lanes("part", each, each > 4 ? 2 : 0);
  if (picture.fastest > 0 || picture.failures.length > 0) top = chart(svg, picture, x, top, words);
  axis(svg, picture, width, top, words);
  const height = top + AXIS;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", String(height));
  const cursor = element("line", { class: "cursor", y1: 0, y2: top, visibility: "hidden" });
  svg.append(cursor);
  return {
    svg,
    bars,
    moment(time) {
      cursor.setAttribute("visibility", time === null ? "hidden" : "visible");
      if (time === null) return;
      const at = x(Math.min(Math.max(time, picture.from), picture.to)).toFixed(1);
      cursor.setAttribute("x1", at);
      cursor.setAttribute("x2", at);
    },
  };
}

interface Place {
  readonly left: number;
  readonly top: number;
  readonly height: number;
}

/** The bar, then what is written in it and what marks it. */
function barOf(
  bar: Bar, { left, top, height }: Place, width: number, most: number, picture: Picture, words: RunWords,
): SVGElement[] {
  const kinds = `${bar.kind} ${bar.status}`;
  const made: SVGElement[] = [
    element("rect", {
      class: `bar ${kinds}`, role: "img", tabindex: -1, "aria-label": words.bar(bar, picture.from),
      x: left.toFixed(1), y: top, width: width.toFixed(1), height, rx: Math.min(3, height / 4),
    }),
  ];
  const told = bar.kind === "phase" ? bar.name : bar.kind === "part" ? "" : words.what(bar);
  if (told && told.length * LETTER + 8 < width) {
    made.push(text(told, { class: `in ${kinds}`, x: (left + 5).toFixed(1), y: top + height / 2 + 4 }));
  }
  // Not by colour alone.
  if ((bar.status === "failed" || bar.status === "lost") && height > 4) {
    const [middle, by] = [top + height / 2, Math.min(4, height / 2 - 1)];
    // After the bar, or in it where the picture ends.
    const isWithin = left + width + 2 * by + 3 > most;
    const at = isWithin ? most - 2 * by - 4 : left + width + 2;
    const cross = `M${at.toFixed(1)} ${middle - by}l${2 * by} ${2 * by}m0 ${-2 * by}l${-2 * by} ${2 * by}`;
    made.push(element("path", { class: isWithin ? `mark in ${kinds}` : "mark", d: cross }));
  }
  return made;
}

function chart(svg: SVGElement, picture: Picture, x: (time: number) => number, top: number, words: RunWords): number {
  const { lines, fastest, failures } = picture;
  const captions = [words.pace(fastest), ...(failures.length ? [words.paceAndFailures] : [])];
  svg.append(title(captions.join(", "), top));
  const bottom = top + TITLE + CHART;
  const y = (perSecond: number): string => (bottom - (fastest && perSecond / fastest) * (CHART - 6)).toFixed(1);
  for (const line of lines) {
    const steps = line.map(({ from, to, perSecond }) => `${x(from).toFixed(1)} ${y(perSecond)} ${x(to).toFixed(1)} ${y(perSecond)}`);
    svg.append(element("path", { class: "line", d: `M${steps.join("L")}` }));
  }
  svg.append(element("line", { class: "grid", x1: 0, x2: "100%", y1: bottom, y2: bottom }));
  for (const { at, count } of failures) {
    const mark = element("path", { class: "mark", d: `M${x(at).toFixed(1)} ${bottom}v-10` });
    const said = element("title", {});
    said.textContent = words.failures(count);
    mark.append(said);
    svg.append(mark);
  }
  return bottom + 4;
}

function axis(svg: SVGElement, { from, to }: Picture, width: number, top: number, words: RunWords): void {
  for (const tick of ticksOf(to - from, Math.max(2, Math.floor(width / 80)))) {
    const at = (tick / (to - from)) * width;
    svg.prepend(element("line", { class: "grid", x1: at, x2: at, y1: 0, y2: top }));
    const anchor = at < 20 ? "start" : at > width - 20 ? "end" : "middle";
    svg.append(text(words.clock(tick), { class: "title", x: at, y: top + 14, "text-anchor": anchor }));
  }
}

function title(words: string, top: number): SVGElement {
  return text(words, { class: "title", x: 0, y: top + 11 });
}

function text(words: string, attributes: Record<string, string | number>): SVGElement {
  const made = element("text", { "aria-hidden": "true", ...attributes });
  made.textContent = words;
  return made;
}

function element<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Record<string, string | number>,
): SVGElementTagNameMap[Name] {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
