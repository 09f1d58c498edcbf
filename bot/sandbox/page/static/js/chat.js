/** The open chat: its head, its messages, and the text field. */

import { open, openTopic, show } from "./actions.js";
import { composer } from "./composer.js";
import { h, keyed } from "./dom.js";
import { glance } from "./entities.js";
import { icon } from "./icons.js";
import { jump, log, toEnd } from "./log.js";
import { avatar } from "./message.js";
import { botStatus, changed, chatOf, language, messagesOf, onChange, person, state, unread, unreadOf } from "./state.js";
import { t } from "./texts.js";

const badge = h("span", { class: "badge", hidden: true });
const back = h("button", {
    type: "button",
    class: "round back",
    onclick: () => {
        open(state.me);
        show("chats");
    },
});
const title = h("h2", { id: "chat-title" });
const status = h("p", { "aria-live": "polite" });
const face = h("span", {});
const world = h("button", { type: "button", class: "round to-panel", onclick: () => show("panel") }, icon("world"));
const topics = h("div", { class: "topics", role: "group", hidden: true });
const pinned = h("button", {
    type: "button",
    class: "pinned",
    hidden: true,
    onclick: () => jump(state.chat, chatOf(state.chat).pinned),
});
const empty = h("div", { class: "empty" });
back.append(icon("back"), badge);

const head = h("header", { class: "head" }, back, face, h("div", { class: "who" }, title, status), world);
document.querySelector("#chat").append(head, topics, pinned, h("div", { class: "window" }, log, empty, toEnd), composer);

onChange(() => {
    const chat = chatOf(state.chat);
    title.textContent = titleOf(chat);
    status.textContent = statusOf(chat);
    status.classList.toggle("doing", Boolean(doing(chat)));
    face.replaceChildren(faceOf(chat));
    drawTopics(chat);
    drawPinned(chat);
    const others = unreadOf(state.me);
    badge.hidden = others === 0;
    badge.textContent = String(others);
    back.setAttribute("aria-label", t("chat.back"));
    world.setAttribute("aria-label", t("chat.panel"));
    drawEmpty(chat);
});

/** Show what Telegram shows in a private chat without messages: the bot's own description. In a group, how to begin. */
function drawEmpty(chat) {
    const isGroup = chat.kind !== "private";
    const isThere = ["member", "administrator"].includes(botStatus(chat));
    const words = isGroup ? t(isThere ? "chat.empty_group" : "chat.empty_group_without_bot") : state.world.bot.descriptions[language()];
    empty.hidden = messagesOf(chat.id).length > 0 || !words;
    empty.replaceChildren(h("b", {}, t(isGroup ? "chat.begin" : "chat.what_can")), words);
}

function drawTopics(chat) {
    topics.hidden = chat.topics.length === 0;
    topics.setAttribute("aria-label", t("composer.topics"));
    keyed(
        topics,
        chat.topics.map((topic) =>
            topicItem(topic, topic.id === state.topic, unread(state.me, chat.id, topic.id)),
        ),
    );
}

/** Show the beginning of the message that is pinned last, above all others. */
function drawPinned(chat) {
    const message = state.messages.get(chat.id)?.get(chat.pinned);
    pinned.hidden = !message;
    if (message) pinned.replaceChildren(h("b", {}, t("chat.pinned")), h("span", {}, glance(message).split("\n").join(" · ")));
}

function topicItem({ id, name }, isOpen, news) {
    const attributes = {
        type: "button",
        "aria-pressed": String(isOpen),
        onclick: () => {
            openTopic(id);
            changed();
        },
    };
    const badge = () =>
        news > 0 && h("span", { class: "badge", "aria-label": t("list.unread", { count: news }) }, news);
    const version = [name, isOpen, news, language()];
    return { key: String(id), version, build: () => h("button", attributes, name, badge()) };
}

export const titleOf = (chat) => (chat.kind === "private" ? state.world.bot.name : chat.title);

export const faceOf = (chat) => avatar(chat.kind === "private" ? state.world.bot : { id: null, name: chat.title });

function statusOf(chat) {
    if (doing(chat)) return doing(chat);
    if (chat.kind === "private") return t("chat.bot");
    const members = Object.entries(chat.members).filter(([, role]) => !["left", "kicked"].includes(role));
    const names = members.map(([id]) => person(Number(id))?.name ?? state.world.bot.name);
    return names.join(", ");
}

/** The bot's current chat action in words, or an empty text. */
export function doing(chat) {
    const found = state.doing.get(chat.id);
    if (!found || found.until < Date.now()) return "";
    return t(found.action.startsWith("upload") ? "chat.sending" : "chat.typing");
}
