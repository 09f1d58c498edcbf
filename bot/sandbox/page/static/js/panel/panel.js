/** The last column: controls for the world around the bot. */

import { show } from "../actions.js";
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { language, onChange, state, unreadOf } from "../state.js";
import { t } from "../texts.js";
import { credit } from "./credit.js";
import { faults } from "./faults.js";
import { group } from "./group.js";
import { invoices } from "./invoices.js";
import { time } from "./time.js";

const panel = document.querySelector("#panel");
const badge = h("span", { class: "badge", hidden: true });
const back = h("button", { type: "button", class: "round back", onclick: () => show("chat") }, icon("back"), badge);
const heading = h("h2", { id: "panel-title" });
const jumps = h("nav", { class: "jumps" });
const body = h("div", { class: "sections" });
panel.append(h("header", { class: "head" }, back, heading), jumps, body);

const parts = { time, credit, invoices, group, faults };
let drawn = ""; // the language in which it was drawn last
let updates = [];

onChange(() => {
    heading.textContent = t("panel.title");
    back.setAttribute("aria-label", t("panel.back"));
    const news = unreadOf(state.me);
    badge.hidden = news === 0;
    badge.textContent = String(news);
    if (drawn !== language()) {
        drawn = language();
        const made = Object.values(parts).map((part) => part());
        jumps.setAttribute("aria-label", t("panel.jumps"));
        jumps.replaceChildren(...Object.keys(parts).map((name, index) => jump(name, made[index].node)));
        body.replaceChildren(...made.map((one) => one.node));
        updates = made.map((one) => one.update);
    }
    for (const update of updates) update(state.world);
});

/** Return a button that leads to a section, however long those before it are. */
function jump(name, section) {
    const go = () => {
        section.scrollIntoView({ block: "start" });
        const title = section.querySelector("h3");
        title.tabIndex = -1;
        title.focus({ preventScroll: true });
    };
    return h("button", { type: "button", onclick: go }, t(`panel.jump.${name}`));
}
