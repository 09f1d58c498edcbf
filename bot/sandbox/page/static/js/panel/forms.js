/** Small forms of the panel. */

import { h } from "../dom.js";

/** A form of a class; `send` is called when it is submitted with all fields right. */
export function form(name, send, ...content) {
    const submit = (event) => {
        event.preventDefault();
        send();
    };
    return h("form", { class: name, onsubmit: submit }, ...content);
}

/** An amount in euros, as a field has it, in cents. */
export const cents = (amount) => Math.round(Number(amount) * 100);
