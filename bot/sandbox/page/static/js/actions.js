/** The current person's actions: write, press, move between chats. */

import { ask } from "./api.js";
import { clear } from "./notices.js";
import { botStatus, changed, chatOf, chatsOf, state } from "./state.js";

/** Where the focus goes in a view of a narrow screen, if its element has become invisible. */
const FOCUS_TARGETS = { chats: ".chats [aria-current]", chat: ".log", panel: ".panel .back" };

/** Show the `chats`, the `chat` or the `panel` on a narrow screen. */
export function show(view) {
    const isNew = document.body.dataset.view !== view;
    const focused = document.activeElement; // the body at first: then the first Tab leads to the first stop
    document.body.dataset.view = view;
    if (view === "chat") clear();
    changed();
    if (!isNew) return;
    setTimeout(() => {
        if (focused === document.body || focused.checkVisibility({ visibilityProperty: true })) return;
        /** @type {HTMLElement | null} */
        const target = document.querySelector(FOCUS_TARGETS[view]);
        target?.focus({ preventScroll: true });
    });
}

/** Become a person, and open a chat; null opens the list of chats. The address holds both, so that "back" works. */
export function open(personId, chatId = null) {
    const name = state.world.people.find((one) => one.id === personId).name.toLowerCase();
    location.hash = chatId === null ? name : `${name}/${chatId}`;
    goThere();
}

/** Become the person and open the chat in the address. */
export function goThere() {
    const [name, chat] = location.hash.slice(1).split("/");
    const known = state.world.people.find((one) => one.name.toLowerCase() === name);
    state.me = (known ?? state.world.people[0]).id;
    const mine = chatsOf(state.me).map((one) => one.id);
    const moved = chatOf(Number(chat))?.movedTo ?? Number(chat);
    state.chat = mine.includes(moved) ? moved : mine[0];
    openTopic();
    if (document.body.dataset.view === "panel") changed();
    else show(chat ? "chat" : "chats");
}

/** Open a topic, if the group has topics: the given one, the one already open, or General. */
export function openTopic(topic = state.topic) {
    const topics = chatOf(state.chat).topics.map((one) => one.id);
    state.topic = topics.includes(topic) ? topic : (topics[0] ?? null);
}

const write = (text, more = {}) =>
    ask("write", { person: state.me, chat: state.chat, text, topic: state.topic, ...more });

/** Follow a deep link to the bot. @param {{start?: string, startgroup?: string}} link */
async function follow({ start, startgroup }) {
    if (startgroup === undefined) {
        open(state.me, state.me);
        return write(start ? `/start ${start}` : "/start");
    }
    const group = chatsOf(state.me).find((chat) => chat.kind !== "private");
    if (!group) return false;
    const isThere = ["member", "administrator"].includes(botStatus(group));
    if (!isThere && !(await ask("administer", { person: state.me, chat: group.id, action: "add" }))) return false;
    open(state.me, group.id);
    return write(`/start@${state.world.bot.username} ${startgroup}`);
}

export const actions = {
    write,
    follow,
    press: (message, data) => ask("press", { person: state.me, chat: message.chat, message: message.id, data }),
    block: (person, blocked) => ask("block", { person, blocked }),
};
