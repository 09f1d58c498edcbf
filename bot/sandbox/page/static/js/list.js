/** The first column: the choice of the person, that person's chats, and a newcomer's first steps. */

import { open, show } from "./actions.js";
import { doing, faceOf, titleOf } from "./chat.js";
import { h, keyed } from "./dom.js";
import { firstLine } from "./entities.js";
import { icon } from "./icons.js";
import { avatar } from "./message.js";
import { chatsOf, language, messagesOf, now, onChange, state, unread, unreadOf } from "./state.js";
import { drawSteps, steps } from "./steps.js";
import { clockTime, dayOf, shortDay, t } from "./texts.js";
import { themeButton } from "./theme.js";

const heading = h("h2", { id: "list-title" });
const world = h("button", { type: "button", class: "round to-panel", onclick: () => show("panel") }, icon("world"));
const legend = h("legend", {});
const people = h("fieldset", { class: "people" }, legend);
const chats = h("ul", { class: "chats" });
const nav = h("nav", {}, chats);
const head = h("header", { class: "head" }, heading, themeButton, world);
document.querySelector("#list").append(head, people, nav, steps);

let drawn = ""; // the state from which the people were drawn last

onChange(() => {
    for (const title of [heading, document.querySelector("h1")]) title.textContent = t("list.title");
    world.setAttribute("aria-label", t("chat.panel"));
    legend.textContent = t("list.you");
    nav.setAttribute("aria-label", t("list.chats"));
    drawPeople();
    keyed(chats, chatsOf(state.me).map(chatItem));
    drawSteps();
});

function drawPeople() {
    const news = state.world.people.map((one) => (one.id === state.me ? 0 : unreadOf(one.id)));
    const look = JSON.stringify([state.me, language(), news]);
    if (look === drawn) return;
    drawn = look;
    const had = people.contains(document.activeElement);
    people.replaceChildren(legend, ...state.world.people.map((one, index) => personChoice(one, news[index])));
    if (had) /** @type {HTMLElement} */ (people.querySelector("input:checked")).focus();
}

function personChoice(one, news) {
    const input = h("input", { type: "radio", name: "me", value: one.id, checked: one.id === state.me });
    input.addEventListener("change", () => open(one.id));
    const badge = news > 0 && h("span", { class: "badge" }, news);
    const role = t(isAdministrator(one) ? "list.administrator" : `list.language.${one.language}`);
    return h("label", { class: "person" }, input, avatar(one), h("b", {}, one.name), h("small", {}, role), badge);
}

const isAdministrator = (one) => state.world.chats.some((chat) => chat.members[one.id] === "creator");

function chatItem(chat) {
    const message = messagesOf(chat.id).at(-1) ?? null;
    const about = {
        chat,
        message,
        news: unread(state.me, chat.id),
        isOpen: chat.id === state.chat,
        busy: doing(chat),
        when: message && whenOf(message),
    };
    return {
        key: String(chat.id),
        version: [message, about.news, about.isOpen, about.busy, about.when, chat.title, state.me, language()],
        build: () => h("li", {}, chatButton(about)),
    };
}

const whenOf = ({ at }) => (dayOf(at) === dayOf(now()) ? clockTime(at) : shortDay(at));

function chatButton({ chat, message, news, isOpen, busy, when }) {
    const attributes = { type: "button", "aria-current": isOpen ? "true" : null, "data-focus": "chat" };
    const last = h("span", { class: busy ? "last doing" : "last" }, busy || snippet(chat, message));
    const badge = news > 0 && h("span", { class: "badge", "aria-label": t("list.unread", { count: news }) }, news);
    const top = h("span", { class: "top" }, h("b", {}, titleOf(chat)), when && h("time", {}, when));
    const lines = h("span", { class: "lines" }, top, h("span", { class: "below" }, last, badge));
    return h("button", { ...attributes, onclick: () => open(state.me, chat.id) }, faceOf(chat), lines);
}

function snippet(chat, message) {
    if (!message) return t("list.nothing");
    if (message.service) return t(`service.${message.service}`);
    const words = firstLine(message);
    if (message.from.id === state.me) return t("list.mine", { words });
    return chat.kind === "private" ? words : `${message.from.name}: ${words}`;
}
