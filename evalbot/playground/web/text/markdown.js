/**
 * The Markdown of `markdown` blocks as a tree. Pure. Inline nodes are those of mrkdwn.js; blocks are `{type: "heading", level, children}`,
 * `{type: "paragraph", children}`, `{type: "list", ordered, start, items: [{checked, children, blocks}]}`, `{type: "quote", blocks}`,
 * `{type: "pre", text}`, `{type: "rule"}`, `{type: "table", align, header, rows}`.
 */

const LIST_ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const FENCE = /^\s*(```+|~~~+)\s*\S*\s*$/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

const DEEPEST = 8;

/** Parse a whole Markdown text into block nodes. Deeper nesting than 8 stays text. */
export function parseMarkdown(text) {
  return parseBlocks(text.replace(/\r\n?/g, "\n").split("\n"), 0);
}

function parseBlocks(lines, depth) {
  const blocks = [];
  let index = 0;
  while (index < lines.length) {
    if (!lines[index].trim()) {
      index += 1;
      continue;
    }
    const [block, next] = readBlock(lines, index, depth);
    blocks.push(block);
    index = next;
  }
  return blocks;
}

function readBlock(lines, index, depth) {
  if (depth > DEEPEST) return [{ type: "paragraph", children: [{ type: "text", text: lines.slice(index).join("\n") }] }, lines.length];
  const line = lines[index];
  const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
  if (heading) return [{ type: "heading", level: heading[1].length, children: parseSpan(heading[2]) }, index + 1];
  if (FENCE.test(line)) return readFence(lines, index);
  if (RULE.test(line)) return [{ type: "rule" }, index + 1];
  if (/^\s*>/.test(line)) return readQuote(lines, index, depth);
  if (LIST_ITEM.test(line)) return readList(lines, index, depth);
  if (line.includes("|") && TABLE_RULE.test(lines[index + 1] ?? "") && (lines[index + 1] ?? "").includes("-")) return readTable(lines, index);
  return readParagraph(lines, index);
}

function readFence(lines, index) {
  const mark = FENCE.exec(lines[index])[1];
  const body = [];
  let at = index + 1;
  while (at < lines.length && !lines[at].trim().startsWith(mark)) body.push(lines[at++]);
  return [{ type: "pre", text: body.join("\n") }, at + 1];
}

function readQuote(lines, index, depth) {
  const body = [];
  let at = index;
  while (at < lines.length && /^\s*>/.test(lines[at])) body.push(lines[at++].replace(/^\s*> ?/, ""));
  return [{ type: "quote", blocks: parseBlocks(body, depth + 1) }, at];
}

function readParagraph(lines, index) {
  const body = [];
  let at = index;
  while (at < lines.length && lines[at].trim() && (at === index || !startsBlock(lines[at]))) body.push(lines[at++].trimStart());
  return [{ type: "paragraph", children: parseSpan(body.join("\n")) }, at];
}

const startsBlock = (line) => /^(#{1,6})\s/.test(line) || FENCE.test(line) || RULE.test(line) || /^\s*>/.test(line) || LIST_ITEM.test(line);

function readList(lines, index, depth) {
  const [, pad, marker] = LIST_ITEM.exec(lines[index]);
  const ordered = /\d/.test(marker);
  const list = { type: "list", ordered, start: ordered ? Number.parseInt(marker, 10) : 1, items: [] };
  let at = index;
  while (at < lines.length) {
    const match = LIST_ITEM.exec(lines[at]);
    if (!match || match[1].length !== pad.length || /\d/.test(match[2]) !== ordered) break;
    const nested = [];
    at += 1;
    while (at < lines.length && isDeeper(lines[at].trim() ? lines[at] : lines[at + 1], pad)) nested.push(lines[at++]);
    list.items.push(listItem(match[3], dedent(nested), depth));
    if (!lines[at]?.trim() && LIST_ITEM.test(lines[at + 1] ?? "")) at += 1;
  }
  return [list, at];
}

const isDeeper = (line, pad) => Boolean(line?.trim()) && indent(line) > pad.length;
const indent = (line) => /^\s*/.exec(line)[0].length;

function dedent(lines) {
  const least = Math.min(...lines.filter((line) => line.trim()).map(indent), 99);
  return lines.map((line) => line.slice(least));
}

function listItem(text, nested, depth) {
  const task = /^\[([ xX])\]\s+(.*)$/.exec(text);
  return { checked: task ? task[1] !== " " : null, children: parseSpan(task ? task[2] : text), blocks: parseBlocks(nested, depth + 1) };
}

function readTable(lines, index) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => parseSpan(cell.trim().replaceAll("\\|", "|")));
  const align = lines[index + 1].trim().replace(/^\||\|$/g, "").split("|").map((cell) => {
    const mark = cell.trim();
    return mark.endsWith(":") ? (mark.startsWith(":") ? "center" : "right") : "left";
  });
  const rows = [];
  let at = index + 2;
  while (at < lines.length && lines[at].includes("|") && lines[at].trim()) rows.push(cells(lines[at++]));
  return [{ type: "table", align, header: cells(lines[index]), rows }, at];
}

const SPANS = [
  [/^\\([\\`*_{}[\]()#+\-.!|~>])/, (match) => ({ type: "text", text: match[1] })],
  [/^(`+)([\s\S]+?)\1(?!`)/, (match) => ({ type: "code", text: match[2].trim() })],
  [/^!?\[([^\]]*)\]\(\s*<?([^\s)>]+)>?(?:\s+"[^"]*")?\s*\)/, (match, depth) => ({ type: "link", url: match[2], children: parseSpan(match[1] || match[2], depth) })],
  [/^<(https?:\/\/[^\s>]+|mailto:[^\s>]+)>/, (match) => link(match[1])],
  [/^<@([UWB]\w+)(?:\|[^>]*)?>/, (match) => ({ type: "user", id: match[1], label: "" })],
  [/^<#([CDG]\w+)(?:\|[^>]*)?>/, (match) => ({ type: "channel", id: match[1], label: "" })],
  [/^\*\*\*(\S(?:[\s\S]*?\S)?)\*\*\*/, (match, depth) => ({ type: "bold", children: [{ type: "italic", children: parseSpan(match[1], depth) }] })],
  [/^\*\*(\S(?:[\s\S]*?\S)?)\*\*(?!\*)/, (match, depth) => ({ type: "bold", children: parseSpan(match[1], depth) })],
  [/^__(\S(?:[\s\S]*?\S)?)__(?!\w)/, (match, depth) => ({ type: "bold", children: parseSpan(match[1], depth) })],
  [/^\*(?!\s)((?:[^*]|\*\*[^*]+\*\*)+?)(?<!\s)\*(?!\*)/, (match, depth) => ({ type: "italic", children: parseSpan(match[1], depth) })],
  [/^~~(\S(?:[\s\S]*?\S)?)~~/, (match, depth) => ({ type: "strike", children: parseSpan(match[1], depth) })],
  [/^:([a-z0-9_+'-]+):/, (match) => ({ type: "emoji", name: match[1] })],
];
const UNDERSCORE = /^_(?!\s)([^_]+?)(?<!\s)_(?!\w)/;
const WEB = /^https?:\/\/[^\s<>]*[^\s<>.,;:!?)\]'"*_~]/;

const link = (url) => ({ type: "link", url, children: [{ type: "text", text: url }] });

/** Parse marks within a line of Markdown. */
export function parseSpan(text, depth = 0) {
  const nodes = [];
  let plain = "";
  const push = (node) => {
    if (plain) nodes.push({ type: "text", text: plain });
    plain = "";
    nodes.push(node);
  };
  for (let index = 0; index < text.length;) {
    const found = depth <= DEEPEST && spanAt(text, index, depth);
    if (found) {
      push(found.node);
      index += found.length;
    } else {
      plain += text[index];
      index += 1;
    }
  }
  if (plain) nodes.push({ type: "text", text: plain });
  return nodes;
}

function spanAt(text, index, depth) {
  if (text[index] === "\n") return { node: { type: "break" }, length: 1 };
  const startsWord = !/\w/.test(text[index - 1] ?? " ");
  if (!/[\\`![<*_~:h]/.test(text[index])) return null;
  const rest = text.slice(index);
  for (const [pattern, make] of SPANS) {
    const match = pattern.exec(rest);
    if (match) return { node: make(match, depth + 1), length: match[0].length };
  }
  const slanted = startsWord && UNDERSCORE.exec(rest);
  if (slanted) return { node: { type: "italic", children: parseSpan(slanted[1], depth + 1) }, length: slanted[0].length };
  const web = startsWord && WEB.exec(rest);
  return web ? { node: link(web[0]), length: web[0].length } : null;
}
