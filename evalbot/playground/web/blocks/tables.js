/**
 * table and data_table blocks.
 */

import { html, classes, useMemo, useState } from "../core/ui.js";
import { RichText, richTextWords } from "../text/rich_text.js";
import { Icon } from "../parts/icons.js";

function Cell({ cell }) {
  if (!cell) return null;
  if (cell.type === "rich_text") return html`<${RichText} block=${cell} />`;
  return html`${cell.text ?? String(cell.value ?? "")}`;
}

const wordsOfCell = (cell) => (cell?.type === "rich_text" ? richTextWords(cell) : String(cell?.text ?? cell?.value ?? ""));
const numberOfCell = (cell) => {
  if (cell?.type === "raw_number") return Number(cell.value);
  const number = Number.parseFloat(wordsOfCell(cell).replace("−", "-").replace(/[^\d.eE+-]/g, ""));
  return Number.isNaN(number) ? null : number;
};

/** A table block: the first row is the header. */
export function Table({ block }) {
  const [header, ...rows] = block.rows ?? [[]];
  const settings = block.column_settings ?? [];
  // A column of figures never breaks, even where the app asks for it: "95 %" on two lines cannot be read.
  const wraps = (at) => Boolean(settings[at]?.is_wrapped) && settings[at]?.align !== "right";
  const side = (at) => ({ "text-align": settings[at]?.align ?? "left" });
  const look = (at) => ({ ...side(at), "white-space": wraps(at) ? "normal" : "nowrap" });
  const name = (at) => (wraps(at) ? "is-wrapped" : undefined);
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label="Table"><table class="block-table">
    <thead><tr>${header.map((cell, at) => html`<th scope="col" class=${name(at)} style=${side(at)}><${Cell} cell=${cell} /></th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell, at) => html`<td class=${name(at)} style=${look(at)}><${Cell} cell=${cell} /></td>`)}</tr>`)}</tbody>
  </table></div>`;
}

function compare(left, right) {
  const [a, b] = [numberOfCell(left), numberOfCell(right)];
  if (a !== null && b !== null) return a - b;
  return wordsOfCell(left).localeCompare(wordsOfCell(right), undefined, { numeric: true });
}

function arrange(rows, query, sort) {
  const wanted = query.trim().toLowerCase();
  const kept = wanted ? rows.filter((row) => row.some((cell) => wordsOfCell(cell).toLowerCase().includes(wanted))) : rows;
  if (!sort) return kept;
  return [...kept].sort((a, b) => compare(a[sort.column], b[sort.column]) * (sort.down ? -1 : 1));
}

/** A data_table block: sorted by its headers, filtered by words, in pages. */
export function DataTable({ block }) {
  const [header, ...rows] = block.rows ?? [[]];
  const [query, setQuery] = useState("");
  const [sort, setSort] = useState(null);
  const [page, setPage] = useState(0);
  const size = block.page_size ?? 5;
  const shown = useMemo(() => arrange(rows, query, sort), [block, query, sort]);
  const pages = Math.max(1, Math.ceil(shown.length / size));
  const current = Math.min(page, pages - 1);
  const numeric = header.map((_, at) => rows.every((row) => row[at]?.type === "raw_number"));
  const turn = (column) => setSort(sort?.column !== column ? { column, down: false } : sort.down ? null : { column, down: true });
  const rowHeader = block.row_header_column_index ?? 0;
  const order = (at) => (sort?.column === at ? (sort.down ? "descending" : "ascending") : "none");
  return html`<div class="data-table">
    <div class="data-table-head"><strong>${block.caption}</strong>
      ${rows.length > size && html`<input class="field data-table-filter" type="search" placeholder="Filter rows"
          aria-label=${`Filter ${block.caption}`} value=${query}
        onInput=${(event) => { setQuery(event.target.value); setPage(0); }} />`}</div>
    <div class="table-scroll" tabindex="0"><table class="block-table"><caption class="sr-only">${block.caption}</caption>
      <thead><tr>${header.map((cell, at) => html`<th scope="col" aria-sort=${order(at)} class=${classes(numeric[at] && "number")}>
        <button type="button" class="sort" onClick=${() => turn(at)}><${Cell} cell=${cell} /><span class="sort-mark"
            aria-hidden="true">${{ ascending: "▲", descending: "▼", none: "" }[order(at)]}</span></button></th>`)}</tr></thead>
      <tbody>${shown.slice(current * size, current * size + size).map((row) => html`<tr>${row.map((cell, at) => (at === rowHeader
        ? html`<th scope="row" class=${classes(numeric[at] && "number")}><${Cell} cell=${cell} /></th>` : html`<td
            class=${classes(numeric[at] && "number")}><${Cell} cell=${cell} /></td>`))}</tr>`)}</tbody>
    </table></div>
    ${!shown.length && html`<div class="faint data-table-none">No row contains “${query}”.</div>`}
    ${pages > 1 && html`<div class="data-table-foot"><button type="button" class="icon-button" aria-label="Page before" disabled=${!current}
        onClick=${() => setPage(current - 1)}><${Icon} name="back" size=${16} /></button>
      <span>${current * size + 1}–${Math.min(shown.length, (current + 1) * size)} of ${shown.length}</span>
      <button type="button" class="icon-button flip" aria-label="Next page" disabled=${current >= pages - 1}
          onClick=${() => setPage(current + 1)}><${Icon} name="back" size=${16} /></button></div>`}
  </div>`;
}
