/**
 * Draws the tree of markdown.js.
 */

import { html, memo } from "../core/ui.js";
import { drawNodes } from "./inline.js";
import { parseMarkdown } from "./markdown.js";

const DRAW = {
  heading: ({ level, children }) => html`<div class=${`md-heading md-h${level}`} role="heading" aria-level=${level + 2}>${drawNodes(children)}</div>`,
  paragraph: ({ children }) => html`<p>${drawNodes(children)}</p>`,
  pre: ({ text }) => html`<pre class="pre" tabindex="0">${text}</pre>`,
  rule: () => html`<hr class="block-divider" />`,
  quote: ({ blocks }) => html`<blockquote>${drawBlocks(blocks)}</blockquote>`,
  list: drawList,
  table: ({ align, header, rows }) => html`<div class="table-scroll" tabindex="0"><table class="block-table">
    <thead><tr>${header.map((cell, at) => html`<th style=${{ "text-align": align[at] ?? "left" }}>${drawNodes(cell)}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell, at) => html`<td
        style=${{ "text-align": align[at] ?? "left" }}>${drawNodes(cell)}</td>`)}</tr>`)}</tbody>
  </table></div>`,
};

function drawList({ ordered, start, items }) {
  const entries = items.map(({ checked, children, blocks }) => html`<li class=${checked === null ? "" : "md-task"}>
    ${checked === null ? null : html`<input type="checkbox" checked=${checked} disabled aria-label=${checked ? "done" : "not done"} /> `}
    ${drawNodes(children)}${drawBlocks(blocks)}</li>`);
  return ordered ? html`<ol start=${start}>${entries}</ol>` : html`<ul>${entries}</ul>`;
}

const drawBlocks = (blocks) => blocks.map((block) => DRAW[block.type](block));

/** A Markdown text. */
export const Markdown = memo(({ text }) => html`<div class="markdown">${drawBlocks(parseMarkdown(text ?? ""))}</div>`);
