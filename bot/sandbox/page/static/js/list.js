/** The first column: who one is, that person's chats, and a newcomer's first steps. */

import { open, show } from "./acts.js";
import { doing, faceOf, titleOf } from "./chat.js";
import { h, icon, keyed } from "./dom.js";
import { avatar } from "./message.js";
import { chatsOf, language, messagesOf, onChange, state, unread, unreadOf } from "./state.js";
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

let last = "";

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
  const now = JSON.stringify([state.me, language(), news]);
  if (now === last) return;
  last = now;
  const focused = people.contains(document.activeElement);
  people.replaceChildren(legend, ...state.world.people.map((one, index) => personChoice(one, news[index])));
  if (focused) people.querySelector("input:checked").focus();
}

function personChoice(one, news) {
  const input = h("input", { type: "radio", name: "me", value: one.id, checked: one.id === state.me });
  input.addEventListener("change", () => open(one.id));
  const badge = news > 0 && h("span", { class: "badge" }, news);
  const role = t(isRuler(one) ? "list.administrator" : `list.language.${one.language}`);
  return h("label", { class: "person" }, input, avatar(one), h("b", {}, one.name), h("small", {}, role), badge);
}

const isRuler = (one) => state.world.chats.some((chat) => chat.members[one.id] === "creator");

function chatItem(chat) {
  const message = messagesOf(chat.id).at(-1) ?? null;
  const news = unread(state.me, chat.id);
  const current = chat.id === state.chat;
  const busy = doing(chat);
  return {
    key: String(chat.id),
    version: [message, news, current, busy, chat.title, state.me, language()],
    build: () => {
      const attributes = { type: "button", "aria-current": current ? "true" : null, "data-focus": "chat" };
      const button = h("button", { ...attributes, onclick: () => open(state.me, chat.id) });
      const when = message && h("time", {}, dayOf(message.at) === dayOf(Date.now() + state.world.ahead) ? clockTime(message.at) : shortDay(message.at));
      const badge = news > 0 && h("span", { class: "badge", "aria-label": t("list.unread", { count: news }) }, news);
      const top = h("span", { class: "top" }, h("b", {}, titleOf(chat)), when);
      const below = h("span", { class: "below" }, h("span", { class: busy ? "last doing" : "last" }, busy || snippet(chat, message)), badge);
      button.append(faceOf(chat), h("span", { class: "lines" }, top, below));
      return h("li", {}, button);
    },
  };
}

function snippet(chat, message) {
  if (!message) return t("list.nothing");
  if (message.service) return t(`service.${message.service}`);
  const words = message.text.split("\n")[0] || message.file?.name;
  if (message.from.id === state.me) return t("list.mine", { words });
  return chat.kind === "private" ? words : `${message.from.name}: ${words}`;
}
