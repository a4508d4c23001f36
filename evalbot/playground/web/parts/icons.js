/**
 * The page's own icons: strokes on a 24 x 24 grid that take the colour of the text.
 */

import { html } from "../core/ui.js";

const PATHS = {
  hash: "M9 4 7 20M17 4l-2 16M4 9h16M3.5 15h16",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  home: "M4 11.5 12 4l8 7.5M6.5 10v9.5h11V10",
  thread: "M4 5h16v11H10l-4 4v-4H4zM8 9h8M8 12.5h5",
  smile: "M12 21a9 9 0 1 1 0-18 9 9 0 0 1 0 18zM8.5 14.5c1.8 2.4 5.2 2.4 7 0M9 9.5v.5M15 9.5v.5",
  dots: "M5 12h.01M12 12h.01M19 12h.01",
  pencil: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13M10.5 10.5v6M13.5 10.5v6",
  close: "M6 6l12 12M18 6 6 18",
  back: "M14 6l-6 6 6 6M8 12h12",
  send: "M4 5l17 7-17 7 2.5-7zM6.5 12H13",
  menu: "M4 7h16M4 12h16M4 17h16",
  search: "M11 18a7 7 0 1 1 0-14 7 7 0 0 1 0 14zM16 16l4.5 4.5",
  sun: "M12 16.5a4.5 4.5 0 1 1 0-9 4.5 4.5 0 0 1 0 9zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  auto: "M12 21a9 9 0 1 1 0-18 9 9 0 0 1 0 18zM12 3v18M15 5v14M18 7v10",
  warning: "M12 4 2.5 20h19zM12 10v5M12 17.5v.5",
  check: "M5 12.5 10 17.5 19.5 7",
  chevron: "M7 10l5 5 5-5",
  plus: "M12 5v14M5 12h14",
  bolt: "M13 3 5 14h6l-1 7 8-11h-6z",
  window: "M14 4h6v6M20 4l-9 9M18 13v7H4V6h7",
  download: "M12 4v11M7.5 11 12 15.5 16.5 11M5 20h14",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  play: "M8 5l11 7-11 7z",
  link: "M10 14l4-4M8.5 11.5 6 14a3.5 3.5 0 0 0 5 5l2.5-2.5M15.5 12.5 18 10a3.5 3.5 0 0 0-5-5l-2.5 2.5",
  up: "M7 10v10H4V10zM7 10l4-7c1.7 0 2.6 1 2.2 2.8L12.5 9H18c1.4 0 2.3 1 2 2.4l-1.4 6.8A2.2 2.2 0 0 1 16.4 20H7",
  down: "M7 14V4H4v10zM7 14l4 7c1.7 0 2.6-1 2.2-2.8L12.5 15H18c1.4 0 2.3-1 2-2.4l-1.4-6.8A2.2 2.2 0 0 0 16.4 4H7",
  info: "M12 21a9 9 0 1 1 0-18 9 9 0 0 1 0 18zM12 11v5.5M12 7.5V8",
  clock: "M12 21a9 9 0 1 1 0-18 9 9 0 0 1 0 18zM12 7v5.5l3.5 2",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 14.5a2.5 2.5 0 1 1 0-5 2.5 2.5 0 0 1 0 5z",
  sort: "M8 9l4-4 4 4M8 15l4 4 4-4",
};

/** One icon by name; decorative, so give the surrounding control a label. */
export const Icon = ({ name, size = 18 }) => html`<svg class="icon" width=${size} height=${size} viewBox="0 0 24 24" fill="none" stroke="currentColor"
  stroke-width=${name === "dots" ? 2.8 : 1.8} stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path
  d=${PATHS[name] ?? PATHS.info} /></svg>`;
