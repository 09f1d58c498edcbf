/** The last column: controls for the world around the bot. */

import { show } from "../actions.js";
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { language, onChange, state, unreadOf } from "../state.js";
import { t } from "../texts.js";
import { faults } from "./faults.js";
import { group } from "./group.js";
import { invoices } from "./invoices.js";
import { time } from "./time.js";

const panel = document.querySelector("#panel");
const badge = h("span", { class: "badge", hidden: true });
const back = h("button", { type: "button", class: "round back", onclick: () => show("chat") }, icon("back"), badge);
const heading = h("h2", { id: "panel-title" });
const body = h("div", { class: "sections" });
panel.append(h("header", { class: "head" }, back, heading), body);

const parts = [time, invoices, faults, group];
let drawn = ""; // the language in which it was drawn last
let updates = [];

onChange(() => {
    heading.textContent = t("panel.title");
    back.setAttribute("aria-label", t("panel.back"));
    const news = unreadOf(state.me);
    badge.hidden = news === 0;
    badge.textContent = news;
    if (drawn !== language()) {
        drawn = language();
        const made = parts.map((part) => part());
        body.replaceChildren(...made.map((one) => one.node));
        updates = made.map((one) => one.update);
    }
    for (const update of updates) update(state.world);
});
