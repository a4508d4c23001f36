/**
 * Lines from the workspace to this person: notices that come and go, and the banner while the connection is down.
 */

import { html, useApp, useEffect, useLayoutEffect, useRef, useState, useStore } from "../core/ui.js";
import { Icon } from "./icons.js";

const STAY_MS = { info: 4500, error: 9000 };
const CALM = ["info", "success"];

function Notice({ notice }) {
  const { actions } = useApp();
  const [held, setHeld] = useState(false);
  const bad = notice.kind && !CALM.includes(notice.kind);
  const close = () => actions.dismissNotice(notice.key);
  useEffect(() => {
    if (held) return undefined;
    const timer = setTimeout(close, bad ? STAY_MS.error : STAY_MS.info);
    return () => clearTimeout(timer);
  }, [held]);
  return html`<div class=${bad ? "notice notice-error" : "notice"} role=${bad ? "alert" : "status"} onPointerEnter=${() => setHeld(true)}
      onPointerLeave=${() => setHeld(false)}>
    <${Icon} name=${bad ? "warning" : "info"} /><span>${notice.text}</span>${notice.place && html`<button type="button"
        class="link-button" onClick=${() => { close(); actions.openChannel(notice.place); }}>Open</button>`}<button type="button" class="icon-button" aria-label="Dismiss"
        onClick=${close}><${Icon} name="close" size=${14} /></button></div>`;
}

/** The stack of notices in a corner, above everything else. */
export function Notices() {
  const notices = useStore((state) => state.notices);
  const box = useRef(null);
  const newest = notices[notices.length - 1]?.key;
  useLayoutEffect(() => {
    if (!newest) return;
    box.current.hidePopover?.();
    box.current.showPopover?.();
  }, [newest]);
  return html`<div ref=${box} class="notices" popover="manual" data-testid="notices">${notices.map((one) => html`<${Notice} key=${one.key}
      notice=${one} />`)}</div>`;
}

const SHOW_AFTER_MS = 500;

/** "Connection lost" with a countdown, shown only when it lasts. */
export function ConnectionBanner() {
  const { connection } = useApp();
  const [status, retryAt, ready] = useStore((state) => [state.status, state.retryAt, state.ready]);
  const [shown, setShown] = useState(false);
  const [, tick] = useState(0);
  const down = status !== "open" && ready;
  useEffect(() => {
    const timer = setTimeout(() => setShown(down), down ? SHOW_AFTER_MS : 0);
    const clock = down ? setInterval(() => tick((count) => count + 1), 500) : null;
    return () => { clearTimeout(timer); clearInterval(clock); };
  }, [down]);
  if (!shown || !down) return null;
  const wait = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
  return html`<div class="banner" role="alert" data-testid="connection-banner"><${Icon} name="warning"
      size=${16} /> The connection to the playground is lost. ${status === "connecting" || !wait ? "Connecting…" : `Trying again in ${wait} s.`}
    <button type="button" class="link-button" onClick=${() => connection.retryNow()}>Try now</button></div>`;
}
