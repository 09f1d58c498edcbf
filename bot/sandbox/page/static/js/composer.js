/** The foot of the chat: the text field with its commands, or a button in its place. */

import { actions } from "./actions.js";
import { upload } from "./api.js";
import { commands } from "./commands.js";
import { h } from "./dom.js";
import { firstLine } from "./entities.js";
import { icon } from "./icons.js";
import { notice } from "./notices.js";
import { botStatus, chatOf, me, messagesOf, onChange, state } from "./state.js";
import { t } from "./texts.js";

const MAX_LENGTH = 4096; // characters; Telegram's limit for a message
const drafts = new Map(); // unsent text, and the message it replies to, by person, chat and topic
let here = "";

const field = h("textarea", { id: "text", rows: "1", autocomplete: "off", enterkeyhint: "send", dir: "auto" });
const list = commands(field, send);
const menu = h("button", { type: "button", class: "round menu", onclick: list.toggle }, "/");
const file = h("input", { type: "file", hidden: true, tabindex: "-1", onchange: attach });
const clip = h("button", { type: "button", class: "round", onclick: () => file.click() }, icon("clip"));
const sending = h("button", { type: "button", class: "round send", onclick: () => send(field.value) }, icon("send"));
const cancel = h("button", { type: "button", class: "round small", onclick: () => reply(null) }, icon("close"));
const quoted = h("div", { class: "quoted", hidden: true });
const instead = h("button", { type: "button", class: "instead", hidden: true });
const row = h("div", { class: "row" }, menu, field, clip, file, sending);
export const composer = h("div", { class: "composer" }, list.node, quoted, row, instead);

/** Begin a reply to a message. Null ends it. */
export function reply(message) {
    draft().reply = message;
    draw();
    field.focus();
}

/** Focus what the person can use here: the text field, or the button in its place. */
export function focusComposer() {
    (row.hidden ? instead : field).focus();
}

function draft(place = here) {
    if (!drafts.has(place)) drafts.set(place, { text: "", reply: null });
    return drafts.get(place);
}

onChange(draw);

function draw() {
    const place = `${state.me}/${state.chat}/${state.topic}`;
    if (place !== here) {
        here = place;
        list.close();
        field.value = draft().text;
        fit();
    }
    const chat = chatOf(state.chat);
    const shut = closed(chat);
    const focused = row.contains(document.activeElement) || document.activeElement === instead;
    row.hidden = Boolean(shut);
    instead.hidden = !shut;
    if (focused && !(shut ? instead : row).contains(document.activeElement)) (shut ? instead : field).focus();
    if (shut) {
        instead.textContent = t(shut.key);
        instead.onclick = shut.press;
    }
    drawReply();
    field.placeholder = t("composer.placeholder", { name: me().name });
    field.setAttribute("aria-label", t("composer.label", { name: me().name }));
    menu.setAttribute("aria-label", t("composer.menu"));
    menu.hidden = list.all().length === 0 || !/^(\/|$)/.test(field.value);
    clip.setAttribute("aria-label", t("composer.attach"));
    sending.setAttribute("aria-label", t("composer.send"));
    sending.disabled = field.value.trim() === "";
}

/** Return the label and action of the button that replaces the text field; null if the person can write. */
function closed(chat) {
    if (chat.kind !== "private") return null;
    if (me().blocked) return { key: "composer.unblock", press: () => actions.block(state.me, false) };
    const isNew = botStatus(chat) === null && messagesOf(chat.id).length === 0;
    return isNew ? { key: "composer.start", press: () => actions.write("/start") } : null;
}

function drawReply() {
    const { reply: message } = draft();
    quoted.hidden = !message;
    if (!message) return;
    const words = firstLine(message);
    cancel.setAttribute("aria-label", t("composer.cancel"));
    quoted.replaceChildren(
        icon("reply"),
        h("div", {}, h("strong", {}, message.from.name), h("span", {}, words)),
        cancel,
    );
}

async function send(text) {
    const words = text.trim();
    if (!words) return;
    const length = [...words].length;
    if (length > MAX_LENGTH) return void notice(t("error.too_long", { length, most: MAX_LENGTH }));
    const place = here; // another chat may be open when the response comes
    const { reply: replied } = draft();
    drafts.delete(place);
    redraw();
    field.focus();
    if (await actions.write(words, replied ? { reply: replied.id } : {})) return;
    const kept = draft(place); // the text was refused: keep it, and whatever was typed since
    kept.text = [words, kept.text].filter(Boolean).join("\n");
    kept.reply ??= replied;
    if (place === here) redraw();
}

function redraw() {
    field.value = draft().text;
    fit();
    draw();
}

function attach() {
    for (const chosen of file.files) upload(state.me, state.chat, chosen);
    file.value = "";
}

function fit() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 140)}px`;
}

field.addEventListener("input", () => {
    draft().text = field.value;
    fit();
    draw();
});

field.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === "Escape" && draft().reply) reply(null);
    if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        send(field.value);
    }
});
