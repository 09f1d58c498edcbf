/** Small forms of the panel. */

import { h } from "../dom.js";

/** Return a form of a class. `send` is called when it is submitted with valid fields. */
export function form(name, send, ...content) {
    const submit = (event) => {
        event.preventDefault();
        send();
    };
    return h("form", { class: name, onsubmit: submit }, ...content);
}

/** Convert an amount in euros, as in an input field, to cents. */
export const cents = (amount) => Math.round(Number(amount) * 100);
