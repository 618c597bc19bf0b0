/** The page's style. Colours have a meaning, and never the only one: each has a word or a shape beside it. */
export const STYLE = `
:root{color-scheme:light dark;--paper:#faf9f7;--sheet:#fff;--ink:#1f1d1a;--quiet:#5d5850;--line:#e5e1da;--wash:#f3f0eb;
--link:#1b5797;--bad:#a3301c;--warn:#7d5200;--good:#28643c;--mark:#3c6ca3;--bar:3.75rem}
@media(prefers-color-scheme:dark){:root{--paper:#161513;--sheet:#1d1c1a;--ink:#ebe8e3;--quiet:#aba59b;--line:#35322d;--wash:#272521;
--link:#8fbdf0;--bad:#f29a87;--warn:#e3b864;--good:#86cc9c;--mark:#7fabdf}}
*{box-sizing:border-box}
html{scroll-padding-top:calc(var(--bar) + 1rem)}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;
overflow-wrap:anywhere;-webkit-text-size-adjust:100%}
header.top,main,footer{max-width:78rem;margin-inline:auto;padding-inline:clamp(1rem,4vw,2.5rem)}
a{color:var(--link)}
h1,h2,h3,p,dl,dd,ul{margin:0}
h1{font-size:2rem;line-height:1.2;letter-spacing:-.02em;font-weight:650}
h2{font-size:1.25rem;line-height:1.3;letter-spacing:-.01em;font-weight:650}
h3{font-size:1rem;font-weight:650}
small{font-size:.8125rem;color:var(--quiet)}
code{font:.8125rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:1rem;top:-4rem;background:var(--sheet);padding:.5rem 1rem;border-radius:0 0 6px 6px;z-index:9}
.skip:focus{top:0}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
header.top{padding-block:3.25rem 1.75rem}
.kicker{color:var(--quiet);font-size:.8125rem;letter-spacing:.08em;text-transform:uppercase;margin-bottom:.35rem}
.lead{color:var(--quiet);max-width:46rem;margin-top:.6rem}
.facts{display:flex;flex-wrap:wrap;gap:1px;background:var(--line);border:1px solid var(--line);
border-radius:10px;overflow:hidden;margin-top:1.9rem}
.facts>div{flex:1 1 9.5rem;background:var(--sheet);padding:.95rem 1.15rem 1.05rem;display:flex;flex-direction:column-reverse;justify-content:flex-end}
.facts dt{color:var(--quiet);font-size:.8125rem}
.facts dd{font-size:1.75rem;line-height:1.25;font-weight:600;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.facts dd small{font-size:.8125rem;font-weight:400;letter-spacing:0}
.facts .bad dd{color:var(--bad)}.facts .warn dd{color:var(--warn)}
.note{border-left:3px solid var(--warn);background:var(--wash);padding:.6rem 1rem;border-radius:0 6px 6px 0;margin-top:1.25rem;max-width:60rem}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;padding:0;margin-top:1.5rem}
section{margin-top:3.25rem}
section>p{color:var(--quiet);max-width:50rem;margin-top:.3rem}
#controls{position:sticky;top:0;z-index:3;background:var(--paper);border-bottom:1px solid var(--line)}
#controls form{max-width:78rem;min-height:var(--bar);margin-inline:auto;padding:.6rem clamp(1rem,4vw,2.5rem);display:flex;flex-wrap:wrap;gap:.5rem .75rem;align-items:center}
#controls [role=status]{color:var(--quiet);font-size:.8125rem;margin-left:auto}
input,select,button.plain{font:inherit;color:inherit;background:var(--sheet);border:1px solid #8a8378;border-radius:6px;padding:.35rem .65rem;min-height:2.35rem}
input{width:min(20rem,100%)}
button{font:inherit;color:inherit;cursor:pointer}
table{border-collapse:separate;border-spacing:0;width:100%;margin-top:1rem}
caption{text-align:left}
th,td{text-align:left;vertical-align:top;padding:.5rem .9rem .5rem 0;font-weight:400}
tbody th{font-weight:550}
th small{font-weight:400}
tbody>tr:first-child>*{border-top:1px solid var(--line)}
.main>thead th{position:sticky;top:var(--bar);z-index:2;background:var(--paper);color:var(--quiet);font-size:.8125rem;padding-block:.45rem;white-space:nowrap;vertical-align:bottom;
box-shadow:inset 0 -1px var(--line)}
.main>tbody:first-of-type>tr:first-child>*{border-top:0}
time,tr.more thead th{white-space:nowrap}
td[data-l=Address]{min-width:13rem}td[data-l=From]{min-width:6.5rem}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
th button{all:unset;cursor:pointer;display:inline-flex;gap:.3em;align-items:baseline;max-width:100%}
th.n button{flex-direction:row-reverse}
th button:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
th[aria-sort] button::after{content:"";width:.55em;align-self:center;height:.5em;background:currentColor;opacity:0;clip-path:polygon(0 100%,50% 0,100% 100%)}
th[aria-sort] button:hover::after{opacity:.45}
th[aria-sort=ascending] button::after,th[aria-sort=descending] button::after{opacity:1}
th[aria-sort=descending] button::after{transform:scaleY(-1)}
th[aria-sort=ascending],th[aria-sort=descending]{color:var(--ink)!important}
button.fold::before{content:"";flex:none;width:.5em;height:.6em;background:var(--quiet);clip-path:polygon(0 0,100% 50%,0 100%);align-self:center;margin-right:.2em}
button.fold[aria-expanded=true]::before{transform:rotate(90deg)}
button.fold:hover{color:var(--link)}
.js tr.more{display:none}
.js .open>tr.more{display:table-row}
tr.more>td{padding:0 0 1.25rem 1.1rem}
tr.more table{margin:0;background:var(--sheet);border:1px solid var(--line);border-radius:8px;overflow:hidden}
tr.more table th,tr.more table td{padding:.4rem .9rem}
tr.more thead th{color:var(--quiet);font-size:.8125rem}
tr.more tr>*{border-top:1px solid var(--line)}
tr.more thead tr>*{border-top:0}
tr.more p{padding:.35rem 0;color:var(--quiet)}
.tag{font-size:.8125rem;white-space:nowrap}
.tag::before{content:"\\25CF";content:"\\25CF" / "";display:inline-block;width:1.15em;font-size:.8em}
.mark{color:var(--mark)}.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.quiet{color:var(--quiet)}
.bad.tag::before{content:"\\25B2";content:"\\25B2" / ""}
.warn.tag::before{content:"\\25C6";content:"\\25C6" / ""}
.quiet.tag::before{content:"\\25CB";content:"\\25CB" / ""}
th.drawn{width:13rem}
.strip{display:block;width:100%;min-width:7rem;height:1rem;margin-top:.25rem}
.strip .all{stroke:var(--line);stroke-width:1}
.strip .used{fill:var(--mark)}.strip .unused{fill:var(--warn)}.strip .unsure{fill:var(--quiet)}
.wide{overflow-x:auto;margin-top:1rem}
.wide svg{display:block;width:100%;min-width:42rem;height:auto}
svg text{fill:var(--quiet);font-size:12px}
svg .axis{stroke:var(--line);fill:none}
svg .today{stroke:var(--quiet);stroke-dasharray:2 3}
svg .soon{fill:var(--wash)}
svg .over{fill:var(--bad)}svg .near{fill:var(--warn)}svg .later{fill:var(--mark)}
svg .off{fill:var(--paper);stroke:var(--quiet);stroke-width:1.3}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.25rem;font-size:.8125rem;margin-top:.6rem}
td code{display:inline-block;background:var(--wash);padding:.1rem .45rem;border-radius:4px}
section>h3{margin-top:1.5rem}section>ul{margin-top:.35rem;padding-left:1.1rem;max-width:60rem}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(22rem,100%),1fr));gap:1.5rem 2.5rem;margin-top:1rem}
.columns ul{list-style:none;padding:0;margin-top:.35rem}
.columns li{padding:.3rem 0;border-top:1px solid var(--line)}
.none{color:var(--quiet);padding:.75rem 0}
footer{margin-top:4rem;padding-block:1.5rem 3rem;color:var(--quiet);font-size:.8125rem;border-top:1px solid var(--line)}
footer p{max-width:50rem;margin-top:.3rem}
[hidden]{display:none!important}
@media screen and (max-width:56rem){
h1{font-size:1.6rem}header.top{padding-top:2rem}section{margin-top:2.5rem}
#controls{position:static}
#controls [role=status]{margin-left:0;width:100%}
.main,.main>thead,.main>tbody,.main>thead>tr,.main>tbody>tr,.main>tbody>tr>*,tr.more table,tr.more tbody,tr.more tbody tr,tr.more tbody tr>*{display:block;width:auto}
.main>thead>tr{display:flex;flex-wrap:wrap;gap:.1rem 1rem}
.main>thead th{position:static;box-shadow:none;padding:.2rem 0}
.main:not(.sorts)>thead,tr.more thead,.main th.drawn{display:none}
.js .main>tbody>tr.more{display:none}.js .main>tbody.open>tr.more{display:block}
.main>tbody>tr:first-child{border-top:1px solid var(--line);padding-block:.6rem}
.main>tbody>tr:first-child>*{border:0;padding:.1rem 0;text-align:left}
.main>tbody>tr:first-child>td[data-l],tr.more tr>td[data-l]{display:grid;grid-template-columns:7rem 1fr;gap:.5rem}
td[data-l]::before{content:attr(data-l);color:var(--quiet);font-size:.8125rem}
tr.more>td{padding-left:0}tr.more table th,tr.more table td{padding:.15rem .75rem;border:0;text-align:left}
tr.more table tr{border-top:1px solid var(--line);padding-block:.4rem}
tr.more table tbody:first-of-type tr:first-child{border-top:0}
.strip{width:100%}
}
@media print{
:root{color-scheme:light;--paper:#fff;--sheet:#fff;--ink:#000;--quiet:#444;--line:#ccc;--wash:#f2f2f2;--link:#000;--bad:#8c2413;--warn:#6b4600;--good:#1f5230;--mark:#345f92}
body{font-size:10pt;background:#fff}
#controls,nav,.skip{display:none!important}
header.top,main,footer{max-width:none;padding-inline:0}
header.top{padding-top:0}
section{margin-top:1.75rem}
.js tr.more,tr.more{display:table-row!important}
.main>thead th{position:static}
button.fold::before,th[aria-sort] button::after{display:none}
tr,svg{break-inside:avoid}h2,h3{break-after:avoid}
.wide{overflow:visible}.wide svg{min-width:0}
#applications th[scope=row]{min-width:8rem}td[data-l=Address]{min-width:9.5rem}th.drawn{width:auto}.strip{min-width:4rem}.main>*>tr>*{padding-right:.6rem}tr.more table th,tr.more table td{padding-inline:.5rem}
}
`
