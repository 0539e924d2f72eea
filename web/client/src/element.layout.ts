// The markup and the style inside of <job-progress>.

export const LAYOUT = `<slot part="fallback"></slot>
<div part="panel" hidden>
<div part="bar" role="progressbar" aria-valuemin="0" aria-valuemax="100"><div part="fill"></div></div>
<div part="text"><span part="counts"></span> <span part="pace"></span></div>
<div part="phase"></div>
<div part="note"></div>
<div part="current"></div>
<div part="error" role="alert"></div>
</div>
<div part="connection" role="status"></div>`;

export const STYLE = `:host{display:block}
:host([hidden]),[hidden]{display:none!important}
[part=bar]{overflow:hidden;block-size:.75rem;border-radius:999px;background:var(--job-progress-track,#8883)}
[part=fill]{block-size:100%;border-radius:inherit;background:var(--job-progress-fill,currentColor);transition:inline-size .25s linear}
.moving [part=fill]{inline-size:25%!important;animation:move 1.6s ease-in-out infinite alternate}
@keyframes move{to{translate:300%}}
[part=phase],[part=current],[part=error]{overflow-wrap:anywhere}
[part=text]{font-variant-numeric:tabular-nums;min-block-size:1lh}
[part=panel]>:empty,[part=connection]:empty{display:none}
@media (prefers-reduced-motion:reduce){[part=fill]{transition:none;animation:none!important}}`;
