/** A message's text with Telegram's formatting. Offsets are in UTF-16 code units, as in JavaScript. */

import { actions } from "./actions.js";
import { h } from "./dom.js";
import { link } from "./links.js";

const TAGS = {
    bold: "strong",
    italic: "em",
    underline: "u",
    strikethrough: "s",
    code: "code",
    pre: "pre",
    blockquote: "blockquote",
    "expandable_blockquote": "blockquote",
};

/** Return nodes for a text. `entities` are sorted by offset, the longer first. */
export function formatted(text, entities) {
    return nodes(text, 0, text.length, entities);
}

/** Return a message's words as they stand where only some of them are shown: what they hide stays hidden. */
export function glance({ text, entities, file }) {
    if (text === "") return file?.name;
    const hide = (words, { offset, length }) =>
        words.slice(0, offset) + words.slice(offset, offset + length).replace(/\S/g, "▒") + words.slice(offset + length);
    return entities.filter((entity) => entity.type === "spoiler").reduce(hide, text);
}

/** Return the first line of that. */
export const firstLine = (message) => glance(message)?.split("\n")[0];

function nodes(text, start, end, entities) {
    const made = [];
    let at = start;
    for (let index = 0; index < entities.length; index++) {
        const entity = entities[index];
        const first = Math.max(entity.offset, at);
        const last = Math.min(entity.offset + entity.length, end);
        if (first >= last) continue;
        const inside = [];
        while (index + 1 < entities.length && entities[index + 1].offset < last) inside.push(entities[++index]);
        if (first > at) made.push(text.slice(at, first));
        made.push(element(entity, text.slice(first, last), nodes(text, first, last, inside)));
        at = last;
    }
    if (at < end) made.push(text.slice(at, end));
    return made;
}

function element(entity, text, content) {
    switch (entity.type) {
        case "text_link":
            return link(entity.url, "link", ...content);
        case "url":
            return link(text, "link", ...content);
        case "bot_command":
            return h("button", { type: "button", class: "link", onclick: () => actions.write(text) }, ...content);
        case "spoiler": {
            const spoiler = h("button", { type: "button", class: "spoiler", "aria-pressed": "false" }, ...content);
            spoiler.addEventListener("click", () => spoiler.setAttribute("aria-pressed", "true"));
            return spoiler;
        }
        default:
            return h(TAGS[entity.type] ?? "span", {}, ...content);
    }
}
