/**
 * Pictures and files: in messages and blocks, with a full-size view.
 */

import { html, classes, useEffect, useState } from "../core/ui.js";
import { fileUrl } from "../core/routes.js";
import { wordsOf } from "../text/inline.js";
import { sizeText } from "../blocks/inputs.js";
import { Icon } from "./icons.js";
import { Dialog } from "./layers.js";

const PREVIEW_BYTES = 400000;
const PREVIEW_LINES = 8;

const addressOf = (image) => fileUrl(image.image_url ?? image.slack_file?.url ?? (image.slack_file?.id ? `/files/${image.slack_file.id}/image` : null));

/** A picture that opens in full size; a broken one shows its description. */
export function Picture({ image, name, still, class: className = "" }) {
  const [open, setOpen] = useState(false);
  const [broken, setBroken] = useState(false);
  const address = addressOf(image);
  useEffect(() => setBroken(false), [address]);
  const alt = image.alt_text ?? name ?? "";
  if (!address || broken) return html`<div class=${classes("picture-broken", className)} role="img" aria-label=${alt}><${Icon}
      name="file" /><span>${alt || "Picture"} <small class="faint">(picture not available)</small></span></div>`;
  const width = image.image_width ?? image.original_w;
  const height = image.image_height ?? image.original_h;
  const picture = html`<img class=${classes("picture", className)} src=${address} alt=${alt} width=${width} height=${height} loading="lazy"
      onError=${() => setBroken(true)} />`;
  if (still) return picture;
  return html`<button type="button" class="picture-button" aria-label=${`Open in full size: ${alt || "picture"}`}
      onClick=${() => setOpen(true)}>${picture}</button>
    ${open && html`<${Lightbox} address=${address} alt=${alt} name=${name ?? wordsOf(image.title)} onClose=${() => setOpen(false)} />`}`;
}

function Lightbox({ address, alt, name, onClose }) {
  const [large, setLarge] = useState(false);
  return html`<${Dialog} onClose=${onClose} label=${alt || "Picture"} class="lightbox" data-testid="lightbox">
    <header><strong>${name || alt}</strong><span class="spring"></span>
      <a class="icon-button" href=${address} download aria-label="Download"><${Icon} name="download" /></a>
      <button type="button" class="icon-button" aria-label="Close" autofocus onClick=${onClose}><${Icon} name="close" /></button></header>
    <div class=${classes("lightbox-stage", large && "is-large")} onClick=${(event) => event.target === event.currentTarget && onClose()}>
      <img src=${address} alt=${alt} onClick=${() => setLarge(!large)} /></div>
    ${name && alt && alt !== name && html`<footer>${alt}</footer>`}
  <//>`;
}

/** One file of a message: a picture, a text with its first lines, or a tile to download. */
export function FileView({ file }) {
  const address = fileUrl(file.url_private ?? file.url_private_download ?? file.permalink);
  const title = file.title || file.name || "File";
  const mime = file.mimetype ?? "";
  const about = [(file.pretty_type || file.filetype || mime || "file").toUpperCase(), file.size && sizeText(file.size)].filter(Boolean).join(" · ");
  if (file.mode === "tombstone") return html`<div class="file-tile faint">This file was deleted.</div>`;
  if (mime.startsWith("image/") || ["png", "jpg", "jpeg", "gif", "svg", "webp"].includes(file.filetype)) {
    return html`<figure class="image-block"><figcaption>${title}</figcaption><${Picture}
        image=${{ ...file, image_url: address, alt_text: file.alt_txt ?? title }} name=${title} /></figure>`;
  }
  return html`<div class="file-tile"><a class="file-main" href=${address} download=${file.name} aria-label=${`Download ${title}`}>
      <span class="file-icon"><${Icon} name="file" size=${22} /></span><span><strong>${title}</strong><small
          class="faint">${about}</small></span>
      <${Icon} name="download" /></a><${TextPreview} file=${file} address=${address} /></div>`;
}

const TEXT_TYPES = ["text", "csv", "json", "jsonl", "yaml", "markdown", "md", "txt"];
const isText = (file) => /^text\/|json|yaml|csv|xml|javascript|markdown/.test(file.mimetype ?? "") || TEXT_TYPES.includes(file.filetype);

function TextPreview({ file, address }) {
  const [text, setText] = useState(file.preview ?? null);
  const [all, setAll] = useState(false);
  useEffect(() => {
    if (text !== null || !address || !isText(file) || (file.size ?? 0) > PREVIEW_BYTES) return;
    fetch(address).then((answer) => (answer.ok ? answer.text() : null)).then(setText, () => null);
  }, [address]);
  if (!text) return null;
  const lines = text.split("\n");
  const shown = all ? text : lines.slice(0, PREVIEW_LINES).join("\n");
  return html`<pre class="pre file-preview" tabindex="0">${shown}</pre>
    ${lines.length > PREVIEW_LINES && html`<button type="button" class="link-button"
        onClick=${() => setAll(!all)}>${all ? "Show less" : `Show all ${lines.length} lines`}</button>`}`;
}
