/**
 * Draws any list of Block Kit blocks. An unknown type is named, never hidden.
 */

import { html, classes, memo, useId } from "../core/ui.js";
import { fileUrl } from "../core/routes.js";
import { Mrkdwn, Plain, TextObject } from "../text/inline.js";
import { Markdown } from "../text/markdown_view.js";
import { RichText } from "../text/rich_text.js";
import { Picture } from "../parts/files.js";
import { Button, FeedbackButtons, IconButton, Overflow, WorkflowButton } from "./buttons.js";
import { Alert, Card, Carousel, Container, Plan, TaskCard, Video } from "./cards.js";
import { Chart } from "./charts.js";
import { Input, isInput } from "./inputs.js";
import { isSelect, Select } from "./selects.js";
import { useSurface } from "./surface.js";
import { DataTable, Table } from "./tables.js";

const ELEMENTS = { button: Button, workflow_button: WorkflowButton, overflow: Overflow, feedback_buttons: FeedbackButtons, icon_button: IconButton };

/** One interactive element of a block. */
function Element({ block, element, labelId, hintId, invalid }) {
  const props = { block, element, labelId, hintId, invalid };
  if (ELEMENTS[element.type]) return html`<${ELEMENTS[element.type]} ...${props} />`;
  if (isSelect(element)) return html`<${Select} ...${props} />`;
  if (isInput(element)) return html`<${Input} ...${props} />`;
  if (element.type === "image") return html`<img class="accessory-image" src=${fileUrl(element.image_url)} alt=${element.alt_text ?? ""} />`;
  return html`<span class="unknown">Unknown element: ${element.type}</span>`;
}

function Section({ block }) {
  const { accessory } = block;
  const wide = accessory && ["radio_buttons", "checkboxes"].includes(accessory.type);
  return html`<div class=${classes("section", wide && "section-stacked")}>
    <div class="section-main">${block.text && html`<div class="section-text"><${TextObject} text=${block.text} /></div>`}
      ${block.fields && html`<div class="section-fields">${block.fields.map((field, at) => html`<div key=${at}><${TextObject}
          text=${field} /></div>`)}</div>`}</div>
    ${accessory && html`<div class="section-accessory"><${Element} block=${block} element=${accessory} /></div>`}
  </div>`;
}

function Context({ block }) {
  return html`<div class="context">${block.elements.map((element, at) => (element.type === "image"
    ? html`<img key=${at} class="context-image" src=${fileUrl(element.image_url)} alt=${element.alt_text ?? ""} />`
    : html`<span key=${at}><${TextObject} text=${element} /></span>`))}</div>`;
}

const Actions = ({ block }) => html`<div class="actions" role="group">
  ${block.elements.map((element, at) => html`<${Element} key=${element.action_id ?? at} block=${block} element=${element} />`)}</div>`;

function Header({ block }) {
  return html`<div class=${`block-header block-header-${block.level ?? 1}`} role="heading" aria-level=${(block.level ?? 1) + 2}><${Plain}
      text=${block.text.text} emoji=${block.text.emoji} /></div>`;
}

function ImageBlock({ block }) {
  return html`<figure class="image-block">${block.title && html`<figcaption><${TextObject} text=${block.title} /></figcaption>`}<${Picture}
      image=${block} /></figure>`;
}

/** An input block: label, field, hint, and what must be corrected right below the field. */
function InputBlock({ block }) {
  const id = useId();
  const error = useSurface().errors?.[block.block_id];
  const described = [error && `${id}-error`, block.hint && `${id}-hint`].filter(Boolean).join(" ") || undefined;
  return html`<div class=${classes("input-block", error && "has-error")} data-block=${block.block_id}>
    <div class="input-label" id=${id}><${TextObject} text=${block.label} />${block.optional && html` <span class="faint">(optional)</span>`}</div>
    <${Element} block=${block} element=${block.element} labelId=${id} hintId=${described} invalid=${Boolean(error)} />
    ${error && html`<div class="field-error" id=${`${id}-error`} role="alert">${error}</div>`}
    ${block.hint && html`<div class="input-hint" id=${`${id}-hint`}><${TextObject} text=${block.hint} /></div>`}
  </div>`;
}

const BLOCKS = {
  section: Section, context: Context, actions: Actions, context_actions: Actions, header: Header, image: ImageBlock, input: InputBlock,
  divider: () => html`<hr class="block-divider" />`, rich_text: RichText, markdown: ({ block }) => html`<${Markdown} text=${block.text} />`,
  table: Table, data_table: DataTable, data_visualization: Chart, video: Video, card: Card, carousel: Carousel,
  container: ({ block }) => html`<${Container} block=${block} drawBlock=${drawBlock} />`, alert: Alert, plan: Plan, task_card: TaskCard,
  file: ({ block }) => html`<div class="faint">File ${block.external_id}</div>`,
};

function drawBlock(block, at) {
  const Block = BLOCKS[block.type];
  return html`<div class=${`block block-of-${block.type}`} key=${block.block_id ?? at} data-block-id=${block.block_id}>
    ${Block ? html`<${Block} block=${block} />` : html`<span class="unknown">Unknown block: ${block.type}</span>`}</div>`;
}

/** A list of blocks on the surface around it. */
export const Blocks = memo(({ blocks }) => html`<div class="blocks">${blocks.map(drawBlock)}</div>`);

/** The coloured attachments of older apps: text and blocks beside a bar. */
export const Attachments = memo(({ attachments }) => attachments.map((one, at) => html`<div class="attachment" key=${at}
  style=${{ "border-left-color": /^#?[0-9a-f]{3,6}$/i.test(one.color ?? "") ? `#${one.color.replace("#", "")}` : undefined }}>
  ${one.pretext && html`<${Mrkdwn} text=${one.pretext} />`}${one.title && html`<strong><${Mrkdwn} text=${one.title} /></strong>`}
  ${one.blocks ? html`<${Blocks} blocks=${one.blocks} />` : html`<${Mrkdwn} text=${one.text ?? one.fallback ?? ""} />`}</div>`));
