// The elements and the style inside of <job-progress>.

/** A part, its tag, its attribute, and the parts inside. */
type Part = readonly [name: string, tag?: string, attribute?: string, value?: string, ...inside: Part[]];

export const LAYOUT: readonly Part[] = [
  ["fallback", "slot"],
  ["panel", "div", "hidden", "",
    ["bar", "div", "role", "progressbar", ["fill"]],
    ["text", "div", "", "", ["counts", "span"], ["pace", "span"]],
    ["phase"],
    ["waiting", "div", "role", "status"],
    ["note"],
    ["current"],
    ["error", "div", "role", "alert"],
    ["result"],
    ["slowest"],
  ],
  ["connection", "div", "role", "status"],
  ["try-now", "button", "hidden"],
  ["sign-in", "a", "hidden"],
];

/** Made piece by piece: a page's policy may forbid to make elements of text (Trusted Types). */
export function build([name, tag = "div", attribute, value = "", ...inside]: Part): HTMLElement {
  const made = document.createElement(tag);
  made.setAttribute("part", name);
  if (attribute) made.setAttribute(attribute, value);
  made.append(...inside.map(build));
  return made;
}

export const STYLE = [
  ":host{display:block}",
  ":host([hidden]),[hidden]{display:none!important}",
  "[part=bar]{overflow:hidden;block-size:.75rem;border-radius:1rem;background:var(--job-progress-track,#8883)}",
  "[part=fill]{block-size:100%;border-radius:inherit;background:var(--job-progress-fill,currentColor);transition:inline-size .25s linear}",
  ".moving [part=fill]{inline-size:25%!important;animation:move 1.6s ease-in-out infinite alternate}",
  "@keyframes move{to{translate:300%}}",
  "[part=panel]>div{overflow-wrap:anywhere}",
  "[part=pace]{margin-inline-start:.5ch}",
  "[part=text]{font-variant-numeric:tabular-nums;min-block-size:1lh}",
  "[part=panel]>:empty,[part=connection]:empty{display:none}",
  "@media (prefers-reduced-motion:reduce){[part=fill]{transition:none;animation:none!important}.moving [part=fill]{inline-size:100%!important;opacity:.3}}",
].join("");
