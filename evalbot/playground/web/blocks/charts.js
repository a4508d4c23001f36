/**
 * data_visualization blocks as inline SVG: line, area, bar and pie, with a table of the same numbers for screen readers.
 */

import { html, useId, useState } from "../core/ui.js";

const COLORS = ["#1264a3", "#c8471e", "#1f8a5b", "#8a4fbf", "#b3830b", "#0f8e9c", "#c2357a", "#5c6b7a", "#6b8e23", "#a0522d", "#4058c8", "#777777"];
const WIDTH = 600;
const HEIGHT = 260;
const EDGE = { left: 52, right: 16, top: 14, bottom: 44 };

/** A data_visualization block with its title. */
export function Chart({ block }) {
  const id = useId();
  const [asTable, setAsTable] = useState(false);
  const { chart } = block;
  const Plot = chart.type === "pie" ? Pie : Axes;
  return html`<figure class="chart" aria-labelledby=${id}>
    <figcaption id=${id}><strong>${block.title}</strong>
      <button type="button" class="link-button" aria-pressed=${asTable}
          onClick=${() => setAsTable(!asTable)}>${asTable ? "Show the picture" : "Show the numbers"}</button></figcaption>
    ${asTable ? html`<${Numbers} chart=${chart} />` : html`<${Plot} chart=${chart} /><div class="sr-only"><${Numbers} chart=${chart} /></div>`}
  </figure>`;
}

function Numbers({ chart }) {
  if (chart.type === "pie") {
    return html`<table class="block-table"><tbody>${chart.segments.map((one) => html`<tr><th
        scope="row">${one.label}</th><td>${one.value}</td></tr>`)}</tbody></table>`;
  }
  return html`<div class="table-scroll" tabindex="0"><table
      class="block-table"><thead><tr><th>${chart.axis_config.x_label ?? ""}</th>${chart.series.map((one) => html`<th
      scope="col">${one.name}</th>`)}</tr></thead>
    <tbody>${chart.axis_config.categories.map((label) => html`<tr><th
        scope="row">${label}</th>${chart.series.map((one) => html`<td>${valueAt(one, label) ?? "–"}</td>`)}</tr>`)}</tbody></table></div>`;
}

const valueAt = (series, label) => series.data.find((point) => point.label === label)?.value ?? null;
const colorAt = (at) => COLORS[at % COLORS.length];
const short = (value) => (Math.abs(value) >= 10000 ? `${Math.round(value / 1000)}k` : String(Number(value.toPrecision(4))));

/** Round steps that cover the values; bars and areas start at zero. */
function scaleOf(values, fromZero) {
  let low = Math.min(...values, fromZero ? 0 : Infinity);
  let high = Math.max(...values, fromZero ? 0 : -Infinity);
  if (low === high) {
    low -= Math.abs(low) * 0.1 || 0.5;
    high += Math.abs(high) * 0.1 || 0.5;
  }
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((one) => one * power >= rough) * power;
  const first = Math.floor(low / step + 1e-9) * step;
  const ticks = [];
  for (let tick = first; ticks.length < 12; tick += step) {
    ticks.push(Number(tick.toPrecision(10)));
    if (tick >= high - step * 1e-6) break;
  }
  return { low: ticks[0], high: ticks[ticks.length - 1], ticks };
}

function Axes({ chart }) {
  const { categories, x_label: xLabel, y_label: yLabel } = chart.axis_config;
  const isBar = chart.type === "bar";
  const scale = scaleOf(chart.series.flatMap((one) => one.data.map((point) => point.value)), chart.type !== "line");
  const inner = { width: WIDTH - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
  const slot = inner.width / categories.length;
  const x = (at) => EDGE.left + (isBar || categories.length === 1 ? slot * (at + 0.5) : (inner.width * at) / (categories.length - 1));
  const y = (value) => EDGE.top + inner.height * (1 - (value - scale.low) / (scale.high - scale.low));
  const every = Math.ceil(categories.length / (categories.some((one) => one.length > 6) ? 7 : 12));
  const Marks = isBar ? Bars : Lines;
  return html`<svg class="chart-picture" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
    ${scale.ticks.map((tick) => html`<g key=${tick}><line class="chart-grid" x1=${EDGE.left} x2=${WIDTH - EDGE.right} y1=${y(tick)} y2=${y(tick)} />
      <text class="chart-tick" x=${EDGE.left - 8} y=${y(tick) + 4} text-anchor="end">${short(tick)}</text></g>`)}
    ${categories.map((label, at) => at % every === 0 && html`<text class="chart-tick" x=${x(at)} y=${HEIGHT - EDGE.bottom + 18}
        text-anchor="middle">${label}</text>`)}
    ${xLabel && html`<text class="chart-label" x=${EDGE.left + inner.width / 2} y=${HEIGHT - 6} text-anchor="middle">${xLabel}</text>`}
    ${yLabel && html`<text class="chart-label" transform=${`translate(12 ${EDGE.top + inner.height / 2}) rotate(-90)`}
        text-anchor="middle">${yLabel}</text>`}
    <${Marks} chart=${chart} x=${x} y=${y} zero=${y(Math.max(scale.low, Math.min(scale.high, 0)))} slot=${slot} />
  </svg><${Legend} names=${chart.series.map((one) => one.name)} />`;
}

function Lines({ chart, x, y, zero }) {
  return chart.series.map((series, order) => {
    const points = chart.axis_config.categories.map((label, at) => ({ label, value: valueAt(series, label), left: x(at) })).filter((one) => one.value !== null);
    const path = points.map((one, at) => `${at ? "L" : "M"}${one.left.toFixed(1)} ${y(one.value).toFixed(1)}`).join("");
    const area = chart.type === "area" && points.length > 1 && `${path}L${points[points.length - 1].left} ${zero}L${points[0].left} ${zero}Z`;
    return html`<g key=${series.name} style=${{ color: colorAt(order) }}>${area && html`<path d=${area} fill="currentColor" opacity="0.18" />`}
      <path d=${path} fill="none" stroke="currentColor" stroke-width="2.2" stroke-linejoin="round" />
      ${points.map((one) => html`<circle cx=${one.left} cy=${y(one.value)} r="3.2"
          fill="currentColor"><title>${`${series.name}, ${one.label}: ${one.value}`}</title></circle>`)}</g>`;
  });
}

function Bars({ chart, x, y, zero, slot }) {
  const thick = Math.min(44, (slot * 0.76) / chart.series.length);
  const start = (thick * chart.series.length) / 2;
  return chart.series.map((series, order) => html`<g key=${series.name}
      style=${{ color: colorAt(order) }}>${chart.axis_config.categories.map((label, at) => {
    const value = valueAt(series, label);
    if (value === null) return null;
    return html`<rect x=${x(at) - start + order * thick + 1} width=${Math.max(1, thick - 2)} y=${Math.min(y(value), zero)}
        height=${Math.max(1, Math.abs(y(value) - zero))} rx="2" fill="currentColor">
      <title>${`${series.name}, ${label}: ${value}`}</title></rect>`;
  })}</g>`);
}

function Pie({ chart }) {
  const total = chart.segments.reduce((sum, one) => sum + one.value, 0) || 1;
  const at = (share) => [100 + 88 * Math.sin(share * 2 * Math.PI), 100 - 88 * Math.cos(share * 2 * Math.PI)].map((one) => one.toFixed(2)).join(" ");
  let done = 0;
  const slices = chart.segments.map((one, order) => {
    const from = done / total;
    done += one.value;
    const share = one.value / total;
    const title = html`<title>${`${one.label}: ${one.value} (${Math.round(share * 100)} %)`}</title>`;
    if (share > 0.999) return html`<circle cx="100" cy="100" r="88" fill=${colorAt(order)}>${title}</circle>`;
    return html`<path d=${`M100 100L${at(from)}A88 88 0 ${share > 0.5 ? 1 : 0} 1 ${at(done / total)}Z`} fill=${colorAt(order)}
        class="chart-slice">${title}</path>`;
  });
  const names = chart.segments.map((one) => `${one.label} · ${one.value} (${Math.round((one.value / total) * 100)} %)`);
  return html`<div class="chart-pie"><svg viewBox="0 0 200 200" aria-hidden="true">${slices}</svg><${Legend} names=${names} column /></div>`;
}

const Legend = ({ names, column }) => html`<ul class=${column ? "chart-legend chart-legend-column" : "chart-legend"} aria-hidden="true">
  ${names.map((name, at) => html`<li key=${name}><i style=${{ background: colorAt(at) }}></i>${name}</li>`)}</ul>`;
