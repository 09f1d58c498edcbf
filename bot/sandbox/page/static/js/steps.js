/** A newcomer's first three steps, each ticked off once it is done. */

import { actions, open, show } from "./actions.js";
import { ask } from "./api.js";
import { copy } from "./copying.js";
import { focused, focusField, h } from "./dom.js";
import { icon } from "./icons.js";
import { language, me, state } from "./state.js";
import { t } from "./texts.js";

/** The actions of the steps' buttons, in the private chat. */
const DO = {
    "start.do": () => actions.write("/start"),
    "link.do": () => actions.write(`/link ${state.world.token}`),
    "pay.invoice": () => ask("issue", { cents: 1234, days: 8, kind: "Hosting" }),
    "pay.day": () => ask("wait", { step: "day" }),
};

export const steps = h("section", { class: "steps", "aria-labelledby": "steps-title" });

let drawn = ""; // the state that was drawn last

export function drawSteps() {
    const { started, linked } = me();
    const paid = state.world.payers.includes(state.me);
    const look = JSON.stringify([started, linked, paid, language(), state.me]);
    if (look === drawn) return;
    drawn = look;
    const name = steps.contains(focused()) ? focused().dataset.focus : "";
    const list = h(
        "ol",
        {},
        step("start", started, button("start.do")),
        step("link", linked, token(), button("link.do")),
        step("pay", paid, button("pay.invoice"), button("pay.day")),
    );
    steps.replaceChildren(h("h2", { id: "steps-title" }, t("steps.title")), list);
    if (!name) return;
    /** @type {HTMLElement | null} */
    const again = steps.querySelector(`[data-focus="${CSS.escape(name)}"]`) ?? steps.querySelector("button");
    if (again) again.focus();
    else focusField();
}

function step(name, done, ...content) {
    const mark = h(
        "span",
        { class: "mark" },
        done && icon("check"),
        done && h("span", { class: "hidden-text" }, t("steps.done")),
    );
    const words = h("p", {}, h("b", {}, t(`steps.${name}`)), " ", t(`steps.${name}.how`));
    return h("li", { class: done ? "done" : "" }, mark, h("div", {}, words, !done && h("div", { class: "tools" }, ...content)));
}

function button(name) {
    const press = () => {
        open(state.me, state.me);
        show("chat");
        DO[name]();
    };
    return h("button", { type: "button", class: "plain", onclick: press, "data-focus": name }, t(`steps.${name}`));
}

function token() {
    const button = h("button", {
        type: "button",
        class: "round small",
        "aria-label": t("steps.copy"),
        "data-focus": "copy",
    });
    button.append(icon("copy"));
    button.addEventListener("click", () => copy(state.world.token, button.previousElementSibling));
    return h("span", { class: "token" }, h("code", {}, state.world.token), button);
}
