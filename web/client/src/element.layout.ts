// The elements and the style inside of <job-progress>.

/** A part, its attributes, its tag, and the parts inside. */
type Part = readonly [name: string, attributes?: Record<string, string>, tag?: string, inside?: readonly Part[]];

const HIDDEN = { hidden: "" };

export const LAYOUT: readonly Part[] = [
  ["fallback", {}, "slot"],
  ["panel", HIDDEN, "div", [
    ["bar", { role: "progressbar" }, "div", [["fill"]]],
    ["text", {}, "div", [["counts", {}, "span"], ["pace", {}, "span"]]],
    ["phase"],
    ["waiting", { role: "status" }],
    ["note"],
    ["current"],
    ["error", { role: "alert" }],
    ["result"],
    ["slowest"],
  ]],
  ["connection", { role: "status" }],
  ["try-now", HIDDEN, "button"],
  ["sign-in", HIDDEN, "a"],
];

/** Made piece by piece: a page's policy may forbid to make elements of text (Trusted Types). */
export function build([name, attributes = {}, tag = "div", inside = []]: Part): HTMLElement {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries({ part: name, ...attributes })) made.setAttribute(key, value);
  made.append(...inside.map(build));
  return made;
}

export const STYLE = `:host{display:block}
:host([hidden]),[hidden]{display:none!important}
[part=bar]{overflow:hidden;block-size:.75rem;border-radius:999px;background:var(--job-progress-track,#8883)}
[part=fill]{block-size:100%;border-radius:inherit;background:var(--job-progress-fill,currentColor);transition:inline-size .25s linear}
.moving [part=fill]{inline-size:25%!important;animation:move 1.6s ease-in-out infinite alternate}
@keyframes move{to{translate:300%}}
[part=panel]>div{overflow-wrap:anywhere}
[part=text]{display:flex;flex-wrap:wrap;gap:0 .5ch;font-variant-numeric:tabular-nums;min-block-size:1lh}
[part=panel]>:empty,[part=connection]:empty{display:none}
@media (prefers-reduced-motion:reduce){[part=fill]{transition:none;animation:none!important}.moving [part=fill]{inline-size:100%!important;opacity:.3}}`;
