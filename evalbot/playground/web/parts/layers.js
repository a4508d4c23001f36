/**
 * Things that float above the page: popovers, dialogs, and the one rule that Escape closes the topmost of them.
 */

import { html, useEffect, useLayoutEffect, useRef } from "../core/ui.js";

const open = [];

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || !open.length) return;
  event.preventDefault();
  event.stopPropagation();
  open[open.length - 1].close();
}, true);

/** Whether anything floats at this moment. */
export const anythingOpen = () => open.length > 0;

/** While the component lives, Escape calls `close` if nothing opened after it. */
export function useLayer(close, active = true) {
  const entry = useRef({});
  entry.current.close = close;
  useEffect(() => {
    if (!active) return undefined;
    const mine = entry.current;
    open.push(mine);
    return () => {
      const at = open.indexOf(mine);
      if (at >= 0) open.splice(at, 1);
    };
  }, [active]);
}

function place(box, anchor, side, align) {
  const from = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const gap = 4;
  const below = window.innerHeight - from.bottom - gap;
  const upwards = side === "top" ? from.top - gap > height || from.top > below : height > below && from.top > below;
  const top = upwards ? Math.max(8, from.top - gap - height) : Math.min(from.bottom + gap, Math.max(8, window.innerHeight - height - 8));
  const left = align === "end" ? from.right - width : from.left;
  box.style.top = `${top}px`;
  box.style.left = `${Math.max(8, Math.min(left, window.innerWidth - width - 8))}px`;
  box.style.maxHeight = `${Math.max(120, upwards ? from.top - 12 : window.innerHeight - top - 8)}px`;
}

/** A floating box beside its anchor, in the browser's top layer so that nothing clips it. `anchor` is a ref. */
export function Popover({ anchor, onClose, side = "bottom", align = "start", matchWidth, focus = true, class: className = "", children, ...rest }) {
  const box = useRef(null);
  useLayer(onClose);
  useLayoutEffect(() => {
    const { current } = box;
    const from = anchor.current;
    if (!from) return undefined;
    if (matchWidth) current.style.minWidth = `${from.offsetWidth}px`;
    current.showPopover?.();
    const settle = () => (from.isConnected ? place(current, from, side, align) : null);
    settle();
    if (focus) current.querySelector("[autofocus], [data-first], [role^=menuitem], [role=option], input, button")?.focus({ preventScroll: true });
    const observer = new ResizeObserver(settle);
    observer.observe(current);
    window.addEventListener("scroll", settle, true);
    window.addEventListener("resize", settle);
    return () => {
      observer.disconnect();
      window.removeEventListener("scroll", settle, true);
      window.removeEventListener("resize", settle);
      if (current.contains(document.activeElement) || document.activeElement === document.body) from.focus?.({ preventScroll: true });
    };
  }, []);
  useEffect(() => {
    const outside = (event) => {
      if (!box.current?.contains(event.target) && !anchor.current?.contains(event.target)) onCloseRef.current();
    };
    document.addEventListener("pointerdown", outside, true);
    return () => document.removeEventListener("pointerdown", outside, true);
  }, []);
  const onCloseRef = useRef(onClose);
  onCloseRef.current = onClose;
  return html`<div ref=${box} class=${`popover ${className}`} popover="manual" ...${rest}>${children}</div>`;
}

/** Arrow keys, Home and End move the focus among the controls that match `selector` within the event's own list. */
export function moveFocus(event, selector, columns = 1) {
  const steps = { ArrowDown: columns, ArrowUp: -columns, ...(columns > 1 ? { ArrowRight: 1, ArrowLeft: -1 } : {}) };
  const isEnd = event.key === "Home" || event.key === "End";
  if (!(event.key in steps) && !isEnd) return false;
  const all = [...event.currentTarget.querySelectorAll(selector)].filter((one) => !one.disabled && one.offsetParent !== null);
  if (!all.length) return false;
  event.preventDefault();
  const at = all.indexOf(document.activeElement);
  const next = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : at < 0 ? 0
    : columns > 1 ? Math.max(0, Math.min(all.length - 1, at + steps[event.key])) : (at + steps[event.key] + all.length) % all.length;
  all[next].focus();
  return true;
}

/** A menu of actions. Items: `{label, onSelect, danger?, hint?, icon?, key?}` or `"-"` for a line. */
export function Menu({ anchor, items, onClose, label, ...place }) {
  const choose = (item) => {
    onClose();
    item.onSelect();
  };
  return html`<${Popover} anchor=${anchor} onClose=${onClose} class="menu" role="menu" aria-label=${label}
      onKeyDown=${(event) => moveFocus(event, "[role=menuitem]")} ...${place}>
    ${items.map((item) => (item === "-" ? html`<hr />` : html`<button type="button" role="menuitem" class=${item.danger ? "danger" : ""}
        onClick=${() => choose(item)}>
      <span>${item.label}</span>${item.hint && html`<span class="menu-hint">${item.hint}</span>`}</button>`))}
  <//>`;
}

/** Give the focus back to where it was; to its successor in the same message when the app has redrawn that since. */
function giveBack(before, row) {
  if (before?.isConnected) return before.focus?.({ preventScroll: true });
  const name = before?.dataset?.action;
  const successor = name && row?.querySelector(`[data-action="${CSS.escape(name)}"]`);
  return (successor ?? row)?.focus?.({ preventScroll: true });
}

/** A dialog in the top layer with the page behind it at rest. */
export function Dialog({ onClose, label, class: className = "", backdropCloses = true, children, ...rest }) {
  const box = useRef(null);
  useLayer(onClose);
  useLayoutEffect(() => {
    const before = document.activeElement;
    const row = before?.closest?.(".message");
    const { current } = box;
    current.showModal();
    return () => {
      current.close();
      giveBack(before, row);
    };
  }, []);
  const onBackdrop = (event) => backdropCloses && event.target === box.current && onClose();
  const cancel = (event) => {
    if (event.target !== box.current) return;
    event.preventDefault();
    onClose();
  };
  return html`<dialog ref=${box} class=${`dialog ${className}`} aria-label=${label} onCancel=${cancel} onPointerDown=${onBackdrop}
      ...${rest}>${children}</dialog>`;
}
