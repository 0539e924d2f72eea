// The markup and the style inside of <job-run>.

export const LAYOUT = `<slot part="fallback"></slot>
<div part="panel" hidden>
<p part="summary"></p>
<div part="picture"></div>
<p part="detail" aria-hidden="true"></p>
<div part="player">
<button part="again" type="button"></button>
<p part="told" role="status"></p>
<div part="playback" hidden>
<div part="controls"><button part="back" type="button">‹</button><button part="play" type="button"></button><button part="on" type="button">›</button><input part="scrubber" type="range" min="0" step="1"><span part="place"></span></div>
<p part="moment"></p>
<p part="note"></p>
<ul part="items"></ul>
</div>
</div>
<details part="details"><summary part="as-table"></summary><div part="tables" role="region" tabindex="0"></div></details>
</div>`;

export const STYLE = `:host{display:block;--failed:var(--job-run-failed,light-dark(#b3261e,#ff9a91));--bar:var(--job-run-bar,currentColor);--ground:var(--job-run-ground,Canvas)}
:host([hidden]),[hidden]{display:none!important}
p{margin:.25rem 0}
[part=detail]{min-block-size:1lh;overflow-wrap:anywhere}
[part=told]:empty,[part=note]:empty{display:none}
svg{display:block;inline-size:100%;overflow:visible;font:inherit;font-size:12px}
text{fill:currentColor}
.title{opacity:.75}
.grid{stroke:currentColor;stroke-opacity:.15}
.bar{fill:var(--bar);stroke:var(--ground);stroke-width:1;cursor:default}
.wait{fill-opacity:.08;stroke:currentColor;stroke-opacity:.5;stroke-dasharray:3 3}
.attempt{fill-opacity:.85}
.phase{fill-opacity:.2}
.part{fill-opacity:.5}
.failed,.lost{fill:var(--failed)}
.cancelled,.retrying{fill-opacity:.35}
.bar:focus{outline:none;stroke:var(--bar);stroke-width:3;stroke-opacity:1;stroke-dasharray:none}
.in{pointer-events:none;stroke:none}
.in.attempt{fill:var(--ground);fill-opacity:1}
.in.wait,.in.attempt.cancelled,.in.attempt.retrying,.in.phase{fill:currentColor;fill-opacity:1}
.mark{stroke:var(--failed);stroke-width:2;fill:none;pointer-events:none}
.mark.in{stroke:currentColor}
.mark.in.attempt{stroke:var(--ground)}
.line{fill:none;stroke:var(--bar);stroke-width:1.5;stroke-linejoin:round}
.cursor{stroke:var(--bar);stroke-width:2;pointer-events:none}
[part=controls]{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center}
[part=scrubber]{flex:1 1 12rem;min-inline-size:0;accent-color:var(--bar)}
button{font:inherit;color:inherit;background:none;border:1px solid;border-radius:.5rem;padding:.3rem .8rem;cursor:pointer}
:focus-visible{outline:3px solid var(--bar);outline-offset:2px}
[part=place],[part=moment]{font-variant-numeric:tabular-nums}
[part=items]{margin:0;padding-inline-start:1.2rem;overflow-wrap:anywhere}
[part=tables]{overflow-x:auto}
table{border-collapse:collapse;inline-size:100%;margin-block:.5rem}
caption{text-align:start;padding-block:.25rem}
th,td{text-align:start;font-weight:400;padding:.3rem .6rem .3rem 0;border-block-end:1px solid;border-color:color-mix(in srgb,currentColor 20%,transparent)}
th,td{white-space:nowrap}
thead th{opacity:.75}`;
