/** Light or dark: the system's setting, until the user chooses. */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { onChange } from "./state.js";
import { t } from "./texts.js";

const STORED = "invoice-bot.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export const themeButton = h("button", { type: "button", class: "round theme", onclick: turn });

const isDark = () => (localStorage.getItem(STORED) ?? (dark.matches ? "dark" : "light")) === "dark";

function turn() {
    localStorage.setItem(STORED, isDark() ? "light" : "dark");
    draw();
}

function draw() {
    document.documentElement.dataset.theme = isDark() ? "dark" : "light";
    themeButton.replaceChildren(icon(isDark() ? "sun" : "moon"));
}

draw();
dark.addEventListener("change", draw);
onChange(() => themeButton.setAttribute("aria-label", t(isDark() ? "theme.light" : "theme.dark")));
