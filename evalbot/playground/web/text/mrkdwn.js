/**
 * Slack's mrkdwn as a tree. Pure: text in, nodes out; nothing here touches the page.
 *
 * Nodes: `{type: "text", text}`, `{type: "bold"|"italic"|"strike"|"quote", children}`, `{type: "code"|"pre", text}`, `{type: "break"}`,
 * `{type: "link", url, children}`, `{type: "user"|"channel"|"usergroup", id, label}`, `{type: "broadcast", range}`,
 * `{type: "date", seconds, template, url, fallback}`, `{type: "emoji", name}`.
 */

const STYLES = { "*": "bold", _: "italic", "~": "strike" };
const WORD = /[\p{L}\p{N}]/u;
const BARE_URL = /^https?:\/\/[^\s<>|`]+[^\s<>|`.,;:!?)\]}'"*_~]/;
const DEEPEST = 8;
const EMOJI = /^:([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):/;

/** Turn `&amp; &lt; &gt;` back into the characters they stand for. */
export const unescapeText = (text) => text.replace(/&(amp|lt|gt);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">" })[name]);

/** Parse a whole mrkdwn text: code fences and quotes first, then each line's inline marks. */
export function parseMrkdwn(text) {
  const nodes = [];
  const fence = /```\n?([\s\S]*?)\n?```\n?/g;
  let from = 0;
  for (const match of text.matchAll(fence)) {
    if (!match[1].trim()) continue;
    pushLines(nodes, text.slice(from, match.index).replace(/\n$/, ""), match.index > from);
    nodes.push({ type: "pre", text: plainCode(match[1]) });
    from = match.index + match[0].length;
  }
  pushLines(nodes, text.slice(from), from < text.length);
  return nodes;
}

function pushLines(nodes, text, wanted) {
  if (!wanted) return;
  const lines = text.split("\n");
  let plain = [];
  const flush = () => {
    if (plain.length) nodes.push(...parseInline(plain.join("\n")));
    plain = [];
  };
  for (let index = 0; index < lines.length; index += 1) {
    if (/^(&gt;|>){3}/.test(lines[index])) {
      flush();
      const rest = [lines[index].replace(/^(&gt;|>){3} ?/, ""), ...lines.slice(index + 1)];
      nodes.push({ type: "quote", children: parseInline(rest.join("\n")) });
      return;
    }
    if (!/^(&gt;|>)/.test(lines[index])) {
      plain.push(lines[index]);
      continue;
    }
    flush();
    const quoted = [];
    while (index < lines.length && /^(&gt;|>)/.test(lines[index])) quoted.push(lines[index++].replace(/^(&gt;|>) ?/, ""));
    index -= 1;
    nodes.push({ type: "quote", children: parseInline(quoted.join("\n")) });
  }
  flush();
}

const plainCode = (text) => unescapeText(text.replace(/<([^<>\n]+)>/g, (_, inner) => inner.split("|").pop()));

/** Parse marks within a text: styles, code, links, mentions, dates, emoji and line breaks. Deeper nesting than 8 stays text. */
export function parseInline(text, depth = 0) {
  const nodes = [];
  const place = { text, depth, hopeless: {} };
  let plain = "";
  const flush = () => {
    if (plain) nodes.push({ type: "text", text: unescapeText(plain) });
    plain = "";
  };
  let index = 0;
  while (index < text.length) {
    const found = matchAt(place, index);
    if (found) {
      flush();
      nodes.push(found.node);
      index += found.length;
    } else {
      plain += text[index];
      index += 1;
    }
  }
  flush();
  return nodes;
}

function matchAt(place, index) {
  const { text } = place;
  const char = text[index];
  if (char === "\n") return { node: { type: "break" }, length: 1 };
  if (char === "<") return matchAngle(place, index);
  if (char === "`") return matchCode(text, index);
  if (char === ":") return matchEmoji(text, index);
  if (STYLES[char]) return matchStyle(place, index, char);
  if (char === "h" && !WORD.test(text[index - 1] ?? "")) return matchUrl(text, index);
  return null;
}

function matchEmoji(text, index) {
  const match = EMOJI.exec(text.slice(index, index + 80));
  if (!match || /\d/.test(text[index - 1] ?? "") && /^\d+$/.test(match[1])) return null;
  return { node: { type: "emoji", name: match[1] }, length: match[0].length };
}

function matchUrl(text, index) {
  const match = BARE_URL.exec(text.slice(index, index + 2000));
  if (!match) return null;
  const url = unescapeText(match[0]);
  return { node: { type: "link", url, children: [{ type: "text", text: url }] }, length: match[0].length };
}

function matchCode(text, index) {
  const end = text.indexOf("`", index + 1);
  if (end <= index + 1 || text.slice(index, end).includes("\n")) return null;
  return { node: { type: "code", text: plainCode(text.slice(index + 1, end)) }, length: end + 1 - index };
}

/** A style that finds no end on its line is hopeless up to there, so that hostile texts cost no more than long ones. */
function matchStyle({ text, depth, hopeless }, index, mark) {
  if (depth >= DEEPEST || index < (hopeless[mark] ?? 0)) return null;
  const before = text[index - 1] ?? " ";
  const next = text[index + 1] ?? " ";
  if (WORD.test(before) || before === mark || /\s/.test(next) || next === mark) return null;
  let end = index + 2;
  for (; end < text.length && text[end] !== "\n"; end += 1) {
    if (text[end] === "`") {
      const close = text.indexOf("`", end + 1);
      if (close > 0) end = close;
      continue;
    }
    if (text[end] === "<") {
      const close = text.indexOf(">", end);
      if (close > 0) end = close;
      continue;
    }
    if (text[end] !== mark || /\s/.test(text[end - 1]) || WORD.test(text[end + 1] ?? " ") || text[end + 1] === mark) continue;
    return { node: { type: STYLES[mark], children: parseInline(text.slice(index + 1, end), depth + 1) }, length: end + 1 - index };
  }
  hopeless[mark] = end;
  return null;
}

function matchAngle({ text, depth }, index) {
  const end = text.indexOf(">", index);
  if (end < 0) return null;
  const inner = text.slice(index + 1, end);
  if (!inner || inner.includes("<") || inner.includes("\n")) return null;
  const bar = inner.indexOf("|");
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? "" : inner.slice(bar + 1);
  const node = angleNode(target, label, depth);
  return node && { node, length: end + 1 - index };
}

function angleNode(target, label, depth) {
  if (/^@[UWB]\w+$/.test(target)) return { type: "user", id: target.slice(1), label: unescapeText(label) };
  if (/^#[CDG]\w+$/.test(target)) return { type: "channel", id: target.slice(1), label: unescapeText(label) };
  if (target.startsWith("!subteam^")) return { type: "usergroup", id: target.slice(9), label: unescapeText(label) };
  if (/^!(here|channel|everyone)$/.test(target)) return { type: "broadcast", range: target.slice(1) };
  if (target.startsWith("!date^")) return dateNode(target, label);
  if (/^(https?:\/\/|mailto:|tel:|slack:)/.test(target)) {
    const url = unescapeText(target);
    const children = label && depth < DEEPEST ? parseInline(label, depth + 1) : [{ type: "text", text: url.replace(/^(mailto|tel):/, "") }];
    return { type: "link", url, children };
  }
  return null;
}

function dateNode(target, label) {
  const [, seconds, template = "{date} {time}", url = ""] = target.split("^");
  return { type: "date", seconds: Number(seconds), template: unescapeText(template), url: unescapeText(url), fallback: unescapeText(label) };
}
