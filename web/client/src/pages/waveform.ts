// A waveform as a picture behind a slider, which says the same in words: it is drawn for the eye alone.

const SVG = "http://www.w3.org/2000/svg";
const POINTS = 200;
let count = 0;

export interface Drawing {
  svg: SVGSVGElement;
  isWhole: boolean;
  /** Draw how loud a song is. */
  draw(peaks: number[]): void;
  /** Show how much of it was played, 0 to 1. */
  show(share: number): void;
}

/** An empty one: a line. */
export function drawn(): Drawing {
  const id = `played-${count += 1}`;
  const svg = made("svg", { viewBox: `0 0 ${POINTS} 2`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const all = made("path", { class: "all" });
  const played = made("path", { class: "played", "clip-path": `url(#${id})` });
  const clip = made("clipPath", { id });
  const part = made("rect", { width: "0", height: "2" });
  clip.append(part);
  svg.append(clip, all, played);
  const drawing: Drawing = {
    svg: svg as SVGSVGElement,
    isWhole: false,
    draw(peaks) {
      drawing.isWhole = true;
      put(peaks.map((peak) => Math.max(0.03, peak / 255)));
    },
    show(share) { part.setAttribute("width", String(POINTS * Math.min(1, share))); },
  };
  const put = (heights: number[]): void => {
    const path = heights.map((height, at) => `M${at + 0.5} ${(1 - height).toFixed(2)}V${(1 + height).toFixed(2)}`).join("");
    for (const line of [all, played]) line.setAttribute("d", path);
  };
  put(Array<number>(POINTS).fill(0.06));
  return drawing;
}

function made(name: string, attributes: Record<string, string>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
