"""How a report looks: on paper, on a narrow screen, in the light and in the dark."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --sheet: #ffffff; --ink: #1d2130; --soft: #5a6072; --line: #dfddd4;
  --accent: #3b4a8c; --good: #1f6b45; --good-wash: #e7f3ec; --warn: #8a4b00; --warn-wash: #fdf1df;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14161d; --sheet: #1c1f29; --ink: #e7e8ee; --soft: #a2a8ba; --line: #333848;
    --accent: #a9b6f5; --good: #7fd3a6; --good-wash: #17301f; --warn: #f0b768; --warn-wash: #34260f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 "Iowan Old Style", "Palatino Linotype", Palatino, Georgia, "DejaVu Serif", serif;
}
main { max-width: 48rem; margin: 0 auto; padding: 3rem 1.25rem 4rem; }
h1 { font-size: 2.1rem; line-height: 1.15; margin: .25rem 0 1.25rem; letter-spacing: -.01em; }
h2 {
  font-size: 1.25rem; margin: 3rem 0 1rem; padding-top: .75rem; border-top: 2px solid var(--ink);
}
h3 { font-size: 1.1rem; margin: 0; }
p { margin: .5rem 0; }
code, .mono { font-family: var(--mono); font-size: .84em; }
code, dd, td, p, li { overflow-wrap: anywhere; }
bdi { unicode-bidi: isolate; }
.kicker, dt, th, .badge, .place {
  font-family: ui-sans-serif, system-ui, "Segoe UI", "DejaVu Sans", sans-serif;
}
.kicker {
  color: var(--accent); font-size: .8rem; font-weight: 600; letter-spacing: .12em; margin: 0;
  text-transform: uppercase;
}
dl { display: grid; grid-template-columns: 9.5rem 1fr; gap: .3rem 1rem; margin: .75rem 0; }
dt { color: var(--soft); font-size: .82rem; line-height: 1.85; }
dd { margin: 0; }
.seal {
  background: var(--good-wash); border-left: .4rem solid var(--good); margin: 1.5rem 0;
  padding: .9rem 1.1rem;
}
.seal strong { color: var(--good); }
.seal.open { background: var(--warn-wash); border-color: var(--warn); }
.seal.open strong, .unproven { color: var(--warn); }
.turn {
  background: var(--sheet); border: 1px solid var(--line); border-radius: .5rem;
  margin: 0 0 1rem; padding: 1.1rem 1.25rem .9rem; break-inside: avoid;
}
.turn header { display: flex; flex-wrap: wrap; gap: .35rem .75rem; align-items: baseline; }
.turn header .when { color: var(--soft); font-size: .88rem; width: 100%; }
.badge {
  border: 1px solid currentColor; border-radius: 1rem; color: var(--accent); font-size: .7rem;
  font-weight: 600; letter-spacing: .05em; padding: .1rem .6rem;
}
.reason { font-size: 1.05rem; }
.reason code { color: var(--soft); display: block; }
blockquote {
  border-left: 3px solid var(--line); font-style: italic; margin: .75rem 0;
  padding: .1rem 0 .1rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere;
}
.place {
  border-top: 1px solid var(--line); color: var(--soft); font-size: .8rem; padding-top: .6rem;
}
table { border-collapse: collapse; table-layout: fixed; width: 100%; }
th, td {
  border-bottom: 1px solid var(--line); padding: .5rem 0; text-align: left; vertical-align: top;
}
th {
  color: var(--soft); font-size: .82rem; font-weight: 500; padding-right: 1rem; width: 10.5rem;
}
ol, ul { padding-left: 1.3rem; }
li { margin: .5rem 0; }
pre {
  background: var(--sheet); border: 1px solid var(--line); border-radius: .4rem; margin: .6rem 0;
  padding: .7rem .9rem; white-space: pre-wrap; overflow-wrap: anywhere;
}
@media (max-width: 34rem) {
  main { padding-top: 1.75rem; }
  h1 { font-size: 1.6rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .45rem; }
  table, tbody, tr, th, td { display: block; width: auto; }
  th { border: 0; padding-bottom: 0; }
  td { padding-top: 0; }
}
@media print {
  :root {
    --paper: #fff; --sheet: #fff; --ink: #000; --soft: #444; --line: #bbb; --accent: #222;
    --good: #000; --good-wash: #fff; --warn: #000; --warn-wash: #fff;
  }
  @page { margin: 18mm 16mm; }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  .seal { border: 1pt solid #000; border-left-width: 4pt; }
  h2 { break-after: avoid; }
}
"""
