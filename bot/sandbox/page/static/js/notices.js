/** Notices that disappear by themselves, and alerts that must be closed. */

import { h } from "./dom.js";

const MIN_SHOWN = 3000; // milliseconds for which every notice is shown
const SHOWN_PER_CHARACTER = 50; // additional milliseconds

const box = document.querySelector("#notices");
box.setAttribute("role", "status");
box.setAttribute("aria-live", "polite");

/** Remove all notices, once their content is visible elsewhere. */
export const clear = () => box.replaceChildren();

/** Show a text for some seconds. With `onPress`, it is a button. */
export function notice(text, { title = "", onPress = null } = {}) {
    const content = [title && h("strong", {}, title), h("span", {}, text)];
    const node = onPress
        ? h(
              "button",
              {
                  type: "button",
                  class: "notice",
                  onclick: () => {
                      node.remove();
                      onPress();
                  },
              },
              ...content,
          )
        : h("div", { class: "notice" }, ...content);
    while (box.children.length > 2) box.firstElementChild.remove();
    box.append(node);
    setTimeout(() => node.remove(), MIN_SHOWN + SHOWN_PER_CHARACTER * (title.length + text.length));
}

/** @type {HTMLDialogElement} */
const dialog = document.querySelector("#alert");
/** @type {string[]} */
const waiting = []; // texts of alerts; the first one is shown
dialog.querySelector("button").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
    waiting.shift();
    showFirst();
});

/** Show a text that must be closed. It waits for earlier ones. */
export function alert(text) {
    waiting.push(text);
    if (!dialog.open) showFirst();
}

function showFirst() {
    if (!waiting.length) return;
    dialog.querySelector("p").textContent = waiting[0];
    dialog.showModal();
}
