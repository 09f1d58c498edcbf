/** What a newcomer does first: three steps, each ticked off once it is done. */

import { act, open, show } from "./acts.js";
import { ask } from "./api.js";
import { h, icon } from "./dom.js";
import { notice } from "./notices.js";
import { language, me, state } from "./state.js";
import { t } from "./texts.js";

export const steps = h("section", { class: "steps", "aria-labelledby": "steps-title" });

let last = "";

export function drawSteps() {
  const { paid } = state.world;
  const { started, linked } = me();
  const now = JSON.stringify([started, linked, paid, language(), state.me]);
  if (now === last) return;
  last = now;
  const focused = document.activeElement?.closest?.(".steps") && document.activeElement.dataset.focus;
  const list = h(
    "ol",
    {},
    step("start", started, button("start.do", () => { chat(); act.write("/start"); })),
    step("link", linked, token(), button("link.do", () => { chat(); act.write(`/link ${state.world.token}`); })),
    step("pay", paid, button("pay.invoice", invoice), button("pay.day", () => { chat(); ask("wait", { step: "day" }); })),
  );
  steps.replaceChildren(h("h2", { id: "steps-title" }, t("steps.title")), list);
  if (focused) steps.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
}

function step(name, done, ...content) {
  const mark = h("span", { class: "mark" }, done && icon("check"), done && h("span", { class: "hidden-text" }, t("steps.done")));
  const words = h("p", {}, h("b", {}, t(`steps.${name}`)), " ", t(`steps.${name}.how`));
  return h("li", { class: done ? "done" : "" }, mark, h("div", {}, words, h("div", { class: "tools" }, ...content)));
}

function button(key, press) {
  return h("button", { type: "button", class: "plain", onclick: press, "data-focus": key }, t(`steps.${key}`));
}

/** The bot's own chat comes to the front. */
function chat() {
  open(state.me, state.me);
  show("chat");
}

function invoice() {
  chat();
  ask("issue", { cents: 1234, days: 8, kind: "Hosting" });
}

function token() {
  const copy = h("button", { type: "button", class: "round small", "aria-label": t("steps.copy"), "data-focus": "copy" });
  copy.append(icon("copy"));
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(state.world.token);
    notice(t("steps.copied"));
  });
  return h("span", { class: "token" }, h("code", {}, state.world.token), copy);
}
