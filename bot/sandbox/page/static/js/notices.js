/** What comes up for a moment, and what wants to be closed. */

import { h } from "./dom.js";

const SHOWN = 3500; // milliseconds

const box = document.querySelector("#notices");
box.setAttribute("role", "status");
box.setAttribute("aria-live", "polite");

/** Take away what is told already, once it is seen in another way. */
export const clear = () => box.replaceChildren();

/** Show a line for some seconds; with `act`, it can be pressed. */
export function notice(text, { title = "", act = null } = {}) {
    const content = [title && h("strong", {}, title), h("span", {}, text)];
    const node = act
        ? h(
              "button",
              {
                  type: "button",
                  class: "notice",
                  onclick: () => {
                      node.remove();
                      act();
                  },
              },
              ...content,
          )
        : h("div", { class: "notice" }, ...content);
    while (box.children.length > 2) box.firstElementChild.remove();
    box.append(node);
    setTimeout(() => node.remove(), SHOWN);
}

const dialog = document.querySelector("#alert");
dialog.querySelector("button").addEventListener("click", () => dialog.close());

/** Show a text that must be closed. */
export function alert(text) {
    dialog.querySelector("p").textContent = text;
    if (!dialog.open) dialog.showModal();
}
