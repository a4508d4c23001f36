/**
 * Blocks that hold other things: card, carousel, container, plan, task_card, alert, video.
 */

import { html, classes, useId, useState } from "../core/ui.js";
import { fileUrl, safeUrl } from "../core/routes.js";
import { Link, TextObject, wordsOf } from "../text/inline.js";
import { RichText } from "../text/rich_text.js";
import { Icon } from "../parts/icons.js";
import { Picture } from "../parts/files.js";
import { Button } from "./buttons.js";

/** A card: picture, title, text and up to three buttons. */
export function Card({ block }) {
  return html`<article class="card">
    ${block.hero_image && html`<${Picture} image=${block.hero_image} class="card-hero" />`}
    <div class="card-main"><div class="card-head">${block.icon && html`<img class="card-icon" src=${fileUrl(block.icon.image_url)}
        alt=${block.icon.alt_text ?? ""} />`}
      <div>${block.title && html`<div class="card-title"><${TextObject} text=${block.title} /></div>`}
        ${block.subtitle && html`<div class="faint"><${TextObject} text=${block.subtitle} /></div>`}</div></div>
      ${block.body && html`<div class="card-body"><${TextObject} text=${block.body} /></div>`}
      ${block.subtext && html`<div class="context"><${TextObject} text=${block.subtext} /></div>`}
      ${block.actions?.length ? html`<div class="actions">${block.actions.map((element) => html`<${Button} key=${element.action_id}
          block=${block} element=${element} />`)}</div>` : null}</div>
  </article>`;
}

/** Cards side by side, scrolled sideways. */
export const Carousel = ({ block }) => html`<div class="carousel" tabindex="0" role="group" aria-label="Cards">
  ${(block.elements ?? []).map((card, at) => html`<${Card} key=${at} block=${{ ...card, block_id: card.block_id ?? block.block_id }} />`)}</div>`;

/** A titled box around other blocks, which may fold away. */
export function Container({ block, drawBlock }) {
  const id = useId();
  const [folded, setFolded] = useState(Boolean(block.is_collapsible && block.default_collapsed));
  const title = html`${block.icon && html`<img class="card-icon" src=${fileUrl(block.icon.image_url)} alt=${block.icon.alt_text ?? ""} />`}
    <span class="container-title">${block.rich_text_title ? html`<${RichText} block=${block.rich_text_title} />` : html`<${TextObject}
        text=${block.title} />`}
    ${block.subtitle && html`<small class="faint"><${TextObject} text=${block.subtitle} /></small>`}</span>`;
  return html`<section class=${classes("container", `container-${block.width ?? "standard"}`)}>
    ${block.is_collapsible ? html`<button type="button" class="container-head" aria-expanded=${!folded} aria-controls=${id}
        onClick=${() => setFolded(!folded)}>
      <span class=${classes("fold", folded && "is-folded")}><${Icon} name="chevron" size=${16} /></span>${title}</button>`
      : html`<div class=${classes("container-head", block.has_header_divider && "has-line")}>${title}</div>`}
    ${!folded && html`<div id=${id} class="container-body">${(block.child_blocks ?? []).map(drawBlock)}</div>`}
  </section>`;
}

const STATUS = {
  pending: ["clock", "Waiting"], in_progress: ["auto", "In progress"], complete: ["check", "Done"], error: ["warning", "Failed"],
};

/** One task of an agent with its state, details, output and sources. */
export function TaskCard({ block }) {
  const [icon, words] = STATUS[block.status] ?? STATUS.pending;
  const [open, setOpen] = useState(false);
  const more = block.details || block.output || block.sources?.length;
  const name = html`<span class=${`task-mark task-${block.status ?? "pending"}`}><${Icon} name=${icon} size=${16} /></span><span
      class="task-title">${block.title}</span><span class="sr-only">${words}</span>`;
  return html`<div class="task">
    ${more ? html`<button type="button" class="task-head" aria-expanded=${open} onClick=${() => setOpen(!open)}>${name}<span
        class=${classes("fold", !open && "is-folded")}><${Icon} name="chevron" size=${16} /></span></button>`
      : html`<div class="task-head">${name}</div>`}
    ${open && html`<div class="task-body">${block.details && html`<${RichText}
        block=${block.details} />`}${block.output && html`<${RichText} block=${block.output} />`}
      ${block.sources?.length ? html`<div class="task-sources">${block.sources.map((one) => html`<${Link} url=${one.url}
          class="chip">${one.text}<//>`)}</div>` : null}</div>`}
  </div>`;
}

/** A plan: a title with its tasks and how many are done. */
export function Plan({ block }) {
  const tasks = block.tasks ?? [];
  const done = tasks.filter((one) => one.status === "complete").length;
  return html`<div class="plan"><div class="plan-head"><strong>${block.title}</strong><span class="faint">${done} of ${tasks.length} done</span></div>
    ${tasks.map((task) => html`<${TaskCard} key=${task.task_id} block=${task} />`)}</div>`;
}

const LEVELS = { info: "info", warning: "warning", error: "warning", success: "check", default: "info" };

/** A coloured line of advice in a modal. */
export const Alert = ({ block }) => html`<div class=${`alert alert-${block.level ?? "default"}`} role=${block.level === "error" ? "alert" : "note"}>
  <${Icon} name=${LEVELS[block.level] ?? "info"} /><div><${TextObject} text=${block.text} /></div></div>`;

/** A video: its still picture with a link, as the page loads nothing from other sites by itself. */
export function Video({ block }) {
  const url = safeUrl(block.title_url) ?? safeUrl(block.video_url);
  return html`<div class="video"><div class="video-title">${block.title_url ? html`<${Link} url=${block.title_url}><${TextObject}
      text=${block.title} /><//>` : html`<strong><${TextObject} text=${block.title} /></strong>`}</div>
    ${block.description && html`<div class="faint"><${TextObject} text=${block.description} /></div>`}
    <a class="video-frame" href=${url ?? undefined} target="_blank" rel="noopener noreferrer" aria-label=${`Play: ${wordsOf(block.title)}`}>
      <${Picture} image=${{ image_url: block.thumbnail_url, alt_text: block.alt_text }} still /><span class="video-play"><${Icon}
          name="play" size=${28} /></span></a>
    <div class="faint">${[block.author_name, block.provider_name].filter(Boolean).join(" · ")}</div></div>`;
}
