/**
 * Draws rich_text blocks: sections, lists, quotes, preformatted text and every inline element.
 */

import { html } from "../core/ui.js";
import { ChannelMention, Emoji, Link, Moment, UserMention } from "./inline.js";

/** A whole rich_text block. */
export const RichText = ({ block }) => html`<div class="rich-text">${joinLists(block.elements ?? []).map(drawPart)}</div>`;

/** Numbered lists interrupted by deeper lists go on counting, as Slack draws them. */
function joinLists(elements) {
  const counts = {};
  return elements.map((element) => {
    if (element.type !== "rich_text_list") {
      for (const key of Object.keys(counts)) delete counts[key];
      return element;
    }
    const indent = element.indent ?? 0;
    for (const key of Object.keys(counts)) if (Number(key) > indent) delete counts[key];
    const start = (element.offset ?? counts[indent] ?? 0) + 1;
    counts[indent] = start - 1 + element.elements.length;
    return { ...element, start };
  });
}

const NUMBERING = ["decimal", "lower-alpha", "lower-roman"];
const BULLETS = ["disc", "circle", "square"];

function drawPart(element) {
  if (element.type === "rich_text_list") return drawList(element);
  if (element.type === "rich_text_quote") return html`<blockquote>${drawInline(element.elements)}</blockquote>`;
  if (element.type === "rich_text_preformatted") return html`<pre class="pre" tabindex="0">${drawInline(element.elements)}</pre>`;
  return html`<div class="rich-section">${drawInline(element.elements)}</div>`;
}

function drawList({ elements, style, indent = 0, border, start }) {
  const ordered = style === "ordered";
  const kind = (ordered ? NUMBERING : BULLETS)[indent % 3];
  const look = { "margin-left": `${indent * 28}px`, "list-style-type": kind };
  const items = elements.map((item) => html`<li>${item.type === "rich_text_section" ? drawInline(item.elements) : drawPart(item)}</li>`);
  return ordered ? html`<ol class=${border ? "list-bordered" : ""} style=${look} start=${start}>${items}</ol>`
    : html`<ul class=${border ? "list-bordered" : ""} style=${look}>${items}</ul>`;
}

/** The inline elements of a section, quote or preformatted part. */
export const drawInline = (elements) => (elements ?? []).map((element) => styled(element.style, drawElement(element)));

function styled(style, content) {
  if (!style) return content;
  let node = content;
  if (style.code) node = html`<code>${node}</code>`;
  if (style.strike) node = html`<s>${node}</s>`;
  if (style.underline) node = html`<u>${node}</u>`;
  if (style.italic) node = html`<em>${node}</em>`;
  if (style.bold) node = html`<strong>${node}</strong>`;
  if (style.highlight || style.client_highlight) node = html`<mark>${node}</mark>`;
  return node;
}

const ELEMENTS = {
  text: ({ text }) => withBreaks(text),
  link: ({ url, text }) => html`<${Link} url=${url}>${text || url}<//>`,
  user: ({ user_id: id }) => html`<${UserMention} id=${id} />`,
  channel: ({ channel_id: id }) => html`<${ChannelMention} id=${id} />`,
  usergroup: ({ usergroup_id: id }) => html`<span class="mention">@${id}</span>`,
  broadcast: ({ range }) => html`<span class="mention mention-me">@${range}</span>`,
  emoji: ({ name, skin_tone: tone }) => html`<${Emoji} name=${tone ? `${name}::skin-tone-${tone}` : name} />`,
  date: ({ timestamp, format, url, fallback }) => html`<${Moment} seconds=${timestamp} template=${format} url=${url} fallback=${fallback} />`,
  color: ({ value }) => html`<span class="color-chip"><i
      style=${{ background: /^#[0-9a-f]{3,8}$/i.test(value) ? value : "none" }}></i>${value}</span>`,
  team: ({ team_id: id }) => html`<span class="mention">${id}</span>`,
};

const drawElement = (element) => (ELEMENTS[element.type] ? ELEMENTS[element.type](element) : html`<span class="unknown">${element.type}</span>`);

const withBreaks = (text) => String(text ?? "").split("\n").flatMap((line, index) => (index ? [html`<br />`, line] : [line]));

/** The plain words of a rich_text block, for sorting and filtering. */
export function richTextWords(block) {
  const words = (one) => one.text ?? one.name ?? one.url ?? (one.elements ?? []).map(words).join("");
  return (block.elements ?? []).map(words).join(" ");
}
