/**
 * Draws the nodes of mrkdwn.js and markdown.js. Foreign text only ever becomes text nodes and checked attributes, never markup.
 */

import { html, useApp, useStore, memo } from "../core/ui.js";
import { canDraw, emojiSign } from "../core/emoji.js";
import { ago, fillDateTemplate, fullTime } from "../core/dates.js";
import { parsePermalink, safeUrl } from "../core/routes.js";
import { meOf, nowOf } from "../core/store.js";
import { Icon } from "../parts/icons.js";
import { parseMrkdwn, unescapeText } from "./mrkdwn.js";

/** Own drawings for the most common emoji, for machines whose fonts have none. */
const DRAWN = {
  "+1": "up", thumbsup: "up", "-1": "down", thumbsdown: "down", white_check_mark: "check", heavy_check_mark: "check", x: "close", eyes: "eye",
  warning: "warning", hourglass: "clock", hourglass_flowing_sand: "clock", stopwatch: "clock", lock: "lock", speech_balloon: "thread", memo: "pencil",
  pencil: "pencil", mag: "search", house: "home", zap: "bolt", wastebasket: "trash", information_source: "info", smile: "smile", slightly_smiling_face: "smile",
};

/** Whether this machine can show an emoji as a picture rather than as its name. */
export const isShowable = ({ sign, names }) => canDraw(sign) || names.some((name) => DRAWN[name]);

/** One emoji by shortcode; an unknown name stays as it was typed. */
export function Emoji({ name }) {
  const sign = emojiSign(name);
  if (sign && canDraw(sign)) return html`<span class="emoji" role="img" aria-label=${name.replaceAll("_", " ")} title=${`:${name}:`}>${sign}</span>`;
  if (sign && DRAWN[name]) return html`<span class=${`emoji-drawn emoji-${DRAWN[name]}`} role="img" aria-label=${name.replaceAll("_", " ")}
      title=${`:${name}:`}><${Icon} name=${DRAWN[name]} size=${16} /></span>`;
  return html`<span class="emoji-name">:${name}:</span>`;
}

/** A link; links to messages of this workspace open here instead of in a new tab. */
export function Link({ url, children, class: className }) {
  const { actions } = useApp();
  const safe = safeUrl(url);
  if (!safe) return html`<span class=${className}>${children}</span>`;
  const place = parsePermalink(safe);
  const follow = (event) => {
    if (!place || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    actions.openMessage(place);
  };
  const outside = place || safe.startsWith("mailto:") || safe.startsWith("tel:") ? {} : { target: "_blank", rel: "noopener noreferrer" };
  return html`<a class=${className} href=${place ? `#/${place.channel}` : safe} title=${place ? "Open this message" : safe}
      onClick=${follow} ...${outside}>${children}</a>`;
}

/** "@Dana Osei"; opens a direct message. The reader's own name is highlighted. */
export function UserMention({ id, label }) {
  const { actions } = useApp();
  const [person, me] = useStore((state) => [state.people[id], state.me]);
  const name = person?.name ?? (label || id);
  return html`<button type="button" class=${`mention${id === me ? " mention-me" : ""}`} title=${person?.real_name ?? id}
    onClick=${() => id !== me && actions.openPerson(id)}>@${name}</button>`;
}

/** "#general"; opens the channel when the reader can see it. */
export function ChannelMention({ id, label }) {
  const { actions } = useApp();
  const channel = useStore((state) => state.channels[id]);
  if (!channel) return html`<span class="mention mention-dead">#${label || "private channel"}</span>`;
  return html`<button type="button" class="mention" onClick=${() => actions.openChannel(id)}>#${channel.name}</button>`;
}

/** A moment written for the reader's time zone. */
export function Moment({ seconds, template, url, fallback }) {
  const [zone, offset] = useStore((state) => [meOf(state)?.tz, state.clockOffset]);
  const now = Date.now() / 1000 + offset;
  const text = Number.isFinite(seconds) ? fillDateTemplate(template, seconds, now, zone) : fallback;
  const title = Number.isFinite(seconds) ? fullTime(seconds, zone) : fallback;
  return html`<time title=${title}>${url ? html`<${Link} url=${url}>${text}<//>` : text}</time>`;
}

/** "2 hours ago", by the simulated clock. */
export function Ago({ ts }) {
  const [zone, now] = useStore((state) => [meOf(state)?.tz, Math.floor(nowOf(state) / 30) * 30]);
  return html`<time title=${fullTime(ts, zone)}>${ago(ts, now)}</time>`;
}

const DRAW = {
  text: (node) => node.text,
  break: () => html`<br />`,
  bold: (node) => html`<strong>${drawNodes(node.children)}</strong>`,
  italic: (node) => html`<em>${drawNodes(node.children)}</em>`,
  strike: (node) => html`<s>${drawNodes(node.children)}</s>`,
  code: (node) => html`<code>${node.text}</code>`,
  pre: (node) => html`<pre class="pre" tabindex="0">${node.text}</pre>`,
  quote: (node) => html`<blockquote>${drawNodes(node.children)}</blockquote>`,
  link: (node) => html`<${Link} url=${node.url}>${drawNodes(node.children)}<//>`,
  user: (node) => html`<${UserMention} id=${node.id} label=${node.label} />`,
  channel: (node) => html`<${ChannelMention} id=${node.id} label=${node.label} />`,
  usergroup: (node) => html`<span class="mention">@${node.label.replace(/^@/, "") || node.id}</span>`,
  broadcast: (node) => html`<span class="mention mention-me">@${node.range}</span>`,
  date: (node) => html`<${Moment} ...${node} />`,
  emoji: (node) => html`<${Emoji} name=${node.name} />`,
};

/** Draw a list of inline nodes. */
export const drawNodes = (nodes) => nodes.map((node) => (DRAW[node.type] ? DRAW[node.type](node) : null));

/** A mrkdwn text. */
export const Mrkdwn = memo(({ text }) => html`<span class="mrkdwn">${drawNodes(parseMrkdwn(text ?? ""))}</span>`);

/** A plain_text: emoji shortcodes are drawn, everything else stays as written. */
export const Plain = memo(({ text, emoji }) => html`<span class="plain">${plainNodes(text ?? "", emoji !== false)}</span>`);

function plainNodes(text, withEmoji) {
  if (!withEmoji) return unescapeText(text);
  return text.split(/(:[a-z0-9_+'-]+:)/).map((part) => {
    const name = /^:([a-z0-9_+'-]+):$/.exec(part)?.[1];
    return name && emojiSign(name) ? html`<${Emoji} name=${name} />` : unescapeText(part);
  });
}

/** A text object of either kind (a bare string counts as plain text). */
export function TextObject({ text }) {
  if (!text) return null;
  if (typeof text === "string") return html`<${Plain} text=${text} />`;
  return text.type === "mrkdwn" ? html`<${Mrkdwn} text=${text.text} />` : html`<${Plain} text=${text.text} emoji=${text.emoji} />`;
}

/** The words of a text object, for labels and tooltips. */
export const wordsOf = (text) => unescapeText(typeof text === "string" ? text : text?.text ?? "")
  .replace(/:([a-z0-9_+'-]+):/g, (whole, name) => emojiSign(name) ?? whole);
