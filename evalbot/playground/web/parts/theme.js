/**
 * Light, dark, or as the system says; remembered by this browser.
 */

import { html, useState } from "../core/ui.js";
import { Icon } from "./icons.js";

const ORDER = { auto: "light", light: "dark", dark: "auto" };
const WORDS = { auto: "as the system says", light: "light", dark: "dark" };
const ICONS = { auto: "auto", light: "sun", dark: "moon" };

const remembered = () => {
  try {
    return localStorage.getItem("playground-theme") ?? "auto";
  } catch {
    return "auto";
  }
};

/** Put the remembered theme on the page. */
export function applyTheme(theme = remembered()) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  return theme in ORDER ? theme : "auto";
}

/** The button that goes round the three themes. */
export function ThemeButton() {
  const [theme, setTheme] = useState(remembered);
  const next = ORDER[theme] ?? "auto";
  const turn = () => {
    applyTheme(next);
    setTheme(next);
    try {
      localStorage.setItem("playground-theme", next);
    } catch {
      // A browser without storage keeps the theme for this visit only.
    }
  };
  return html`<button type="button" class="foot-button" aria-label=${`Theme: ${WORDS[theme]}`} title=${`Theme: ${WORDS[theme]}`}
      onClick=${turn} data-testid="theme"><${Icon} name=${ICONS[theme]} size=${16} /></button>`;
}
