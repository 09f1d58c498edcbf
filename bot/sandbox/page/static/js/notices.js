/** What comes up for a moment, and what wants to be closed. */

import { h } from "./dom.js";

const SHOWN = 3000; // milliseconds that a notice is shown at least …
const READ = 50; // … and for each character more

const box = document.querySelector("#notices");
box.setAttribute("role", "status");
box.setAttribute("aria-live", "polite");

/** Take away what is told already, once it is seen in another way. */
export const clear = () => box.replaceChildren();

/** Show a line for some seconds; with `onPress`, it can be pressed. */
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
    setTimeout(() => node.remove(), SHOWN + READ * (title.length + text.length));
}

const dialog = document.querySelector("#alert");
const waiting = []; // texts of alerts, of which the first is shown
dialog.querySelector("button").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
    waiting.shift();
    showFirst();
});

/** Show a text that must be closed, after those that are open already. */
export function alert(text) {
    waiting.push(text);
    if (!dialog.open) showFirst();
}

function showFirst() {
    if (!waiting.length) return;
    dialog.querySelector("p").textContent = waiting[0];
    dialog.showModal();
}
