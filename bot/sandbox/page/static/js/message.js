/** One message: its bubble, and the buttons under it. */

import { actions } from "./actions.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { firstLine, formatted } from "./entities.js";
import { copy } from "./copying.js";
import { link } from "./links.js";
import { state } from "./state.js";
import { clockTime, size, t } from "./texts.js";

/** @import { Button, Message, Quote, StoredFile } from "./types.js" */

/**
 * Return a message as an element. `first` and `last` are its position in a row of messages by one sender. `named` shows
 * the sender's name. `answer` begins a reply to it, `jump` goes to the message it replies to.
 *
 * @param {Message} message
 * @param {{first: boolean, last: boolean, named: boolean, answer: (message: Message) => void,
 *     jump: (id: number) => void}} place
 */
export function messageNode(message, { first, last, named, answer, jump }) {
    if (message.service) return h("div", { class: "service" }, t(`service.${message.service}`));
    const mine = message.from.id === state.me;
    const attributes = {
        class: ["message", mine && "mine", first && "first", last && "last"].filter(Boolean).join(" "),
        "aria-label": heading(message),
        "data-message": `${message.chat}/${message.id}`,
        tabindex: "-1",
    };
    return h(
        "article",
        attributes,
        named && avatar(message.from, last ? "" : "unseen"),
        h("div", { class: "body" }, bubble(message, named && first, jump), keyboard(message)),
        message.chat === state.chat && answerButton(message, answer),
    );
}

function heading(message) {
    return t("message.heading", { name: message.from.name, time: clockTime(message.at) });
}

/** Return an avatar: an initial on the colour of the person, the bot or the group. `more` are further classes. */
export function avatar({ id, name }, more = "") {
    const index = state.world.people.findIndex((one) => one.id === id);
    const colour = index >= 0 ? `of-${index}` : id === state.world.bot.id ? "of-bot" : "of-group";
    const face = colour === "of-bot" ? icon("bill") : name[0];
    return h("span", { class: `avatar ${colour} ${more}`, "aria-hidden": "true" }, face);
}

/** @param {Message} message @param {boolean} named @param {(id: number) => void} jump */
function bubble(message, named, jump) {
    const hasWords = message.text !== "";
    return h(
        "div",
        { class: "bubble" },
        named && h("div", { class: "name" }, message.from.name),
        message.reply && quote(message.reply, jump),
        message.file && fileNode(message.file, message.protected),
        hasWords && h("div", { class: "text", dir: "auto" }, ...formatted(message.text, message.entities)),
        h(
            "div",
            { class: "meta" },
            message.protected && h("span", { class: "protected", title: t("message.protected") }, icon("lock")),
            message.silent && h("span", { class: "silent", title: t("message.silent") }, icon("silent")),
            message.edited && h("span", {}, t("message.edited")),
            h("time", {}, clockTime(message.at)),
        ),
    );
}

/** @param {Quote} reply @param {(id: number) => void} jump */
function quote(reply, jump) {
    const words = reply.deleted ? t("message.deleted") : firstLine(reply);
    const attributes = { type: "button", class: "quote", disabled: reply.deleted, onclick: () => jump(reply.id) };
    return h("button", attributes, h("strong", {}, reply.name), h("span", {}, words));
}

/** @param {StoredFile} file @param {boolean} isProtected */
function fileNode(file, isProtected) {
    const isPicture = file.opens && file.type.startsWith("image/");
    const about = `${file.name}, ${size(file.size)}`;
    const opening = { href: file.href, target: "_blank", rel: "noopener", "data-focus": "file" };
    const face = isPicture
        ? h("a", { ...opening, class: "picture" }, h("img", { src: file.href, alt: about }))
        : h(
              "a",
              { ...opening, class: "open", "aria-label": t(file.opens ? "file.open" : "file.save", { file: about }) },
              h("span", { class: "sheet" }, icon("file")),
              h("span", { class: "label" }, h("b", {}, file.name), h("small", {}, size(file.size))),
          );
    const saving = {
        href: file.href,
        download: file.name,
        class: "save",
        "aria-label": t("file.save", { file: about }),
    };
    return h("div", { class: isPicture ? "file with-picture" : "file" }, face, !isProtected && h("a", saving, icon("download")));
}

/** @param {Message} message */
function keyboard(message) {
    if (!message.keyboard.length) return null;
    const rows = message.keyboard.map((row) =>
        h("div", { class: "row" }, ...row.map((button) => key(message, button))),
    );
    return h("div", { class: "keyboard" }, ...rows);
}

/** @param {Message} message @param {Button} button */
function key(message, button) {
    if (button.copied) return copying(button);
    if (button.url) return link(button.url, looks(button), h("span", {}, button.text), icon("link"));
    const attributes = { type: "button", class: looks(button), "data-focus": `key ${button.data}` };
    attributes["data-key"] = `${message.chat}/${message.id} ${button.data}`;
    const node = h("button", attributes, h("span", {}, button.text));
    node.addEventListener("click", () => {
        if (node.ariaBusy !== "true") actions.press(message, button.data);
    });
    return node;
}

function looks(button) {
    return button.style ? `key ${button.style}` : "key";
}

function copying(button) {
    const attributes = { type: "button", class: looks(button), "data-focus": `copy ${button.copied}` };
    const node = h("button", attributes, h("span", {}, button.text), icon("copy"));
    node.addEventListener("click", () => copy(button.copied));
    return node;
}

function answerButton(message, answer) {
    const attributes = { type: "button", class: "answer", "data-focus": "answer", onclick: () => answer(message) };
    return h("button", { ...attributes, "aria-label": t("message.reply", { name: message.from.name }) }, icon("reply"));
}
