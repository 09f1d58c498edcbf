/** The sandbox's time, and buttons to skip forward. */

import { ask } from "../api.js";
import { h } from "../dom.js";
import { now } from "../state.js";
import { clockTime, longDay, t } from "../texts.js";

const STEPS = ["hour", "day", "week"];

/** Return this section of the panel: its node, and a function to update it. */
export function time() {
    const hour = h("b", {});
    const day = h("span", {});
    const shown = h("p", { class: "clock", role: "timer", "aria-live": "off" }, hour, day);
    const buttons = STEPS.map((step) =>
        h("button", { type: "button", class: "plain", onclick: () => ask("wait", { step }) }, t(`time.${step}`)),
    );
    const heading = h("h3", { id: "time-title" }, t("time.title"));
    const node = h(
        "section",
        { "aria-labelledby": "time-title" },
        heading,
        shown,
        h("div", { class: "tools even" }, ...buttons),
        h("p", { class: "hint" }, t("time.hint")),
    );
    const update = () => {
        hour.textContent = clockTime(now());
        day.textContent = longDay(now());
    };
    clearInterval(ticking);
    ticking = setInterval(update, 1000);
    return { node, update };
}

let ticking = null;
