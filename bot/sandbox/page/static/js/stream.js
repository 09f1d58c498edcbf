/** Keeps the state as the sandbox tells it, live. */

import { changed, chatOf, recallSeen, state } from "./state.js";

const DOING = 5500; // milliseconds that Telegram shows an action, if no message ends it before
const PATIENCE = 60_000; // … and that a button waits for its answer

let begun = false;

/** Follow the sandbox. `tell.message`, `tell.answer` and `tell.connected` are called for what passes by. */
export function follow(tell) {
    const source = new EventSource("api/events");
    const on = (name, handle) =>
        source.addEventListener(name, (event) => {
            handle(JSON.parse(event.data));
            changed();
        });
    on("world", (world) => {
        if (state.world && state.world.run !== world.run) location.reload();
        state.world = world;
        tell.connected(true);
    });
    on("messages", (messages) => {
        state.messages.clear();
        messages.forEach(keep);
        if (begun) return;
        begun = true;
        recallSeen();
    });
    on("message", (message) => {
        const isNew = !state.messages.get(message.chat)?.has(message.id);
        keep(message);
        if (message.from.id === state.world.bot.id) state.doing.delete(message.chat);
        if (isNew) tell.message(message);
    });
    on("deleted", forget);
    on("action", ({ chat, action }) => {
        state.doing.set(chat, { action, until: Date.now() + DOING });
        setTimeout(changed, DOING + 100);
    });
    on("pressed", (press) => {
        state.presses.set(press.press, press);
        setTimeout(() => state.presses.delete(press.press) && changed(), PATIENCE);
    });
    on("answered", (answer) => {
        state.presses.delete(answer.press);
        if (answer.person === state.me) tell.answer(answer);
    });
    source.addEventListener("error", () => tell.connected(false));
}

function keep(message) {
    if (!state.messages.has(message.chat)) state.messages.set(message.chat, new Map());
    state.messages.get(message.chat).set(message.id, message);
}

function forget({ chat, id }) {
    const messages = state.messages.get(chat);
    messages?.delete(id);
    for (const message of messages?.values() ?? []) {
        if (message.reply?.id === id) keep({ ...message, reply: { ...message.reply, deleted: true } });
    }
    if (!chatOf(chat)) state.messages.delete(chat);
}
