/** Update the state from the sandbox's stream. */

import { changed, chatOf, recallSeen, state } from "./state.js";

const ACTION_SHOWN = 5500; // milliseconds for which Telegram shows an action, unless a message ends it
const AGAIN = 2000; // milliseconds after which a stream that the browser has given up is opened again
const PRESS_TIMEOUT = 60_000; // milliseconds for which a button waits for its answer

let begun = false;

/** Follow the sandbox. `on.message`, `on.answer` and `on.connected` are called for the respective events. */
export function follow(on) {
    const source = new EventSource("api/events");
    const listen = (name, handle) =>
        source.addEventListener(name, (event) => {
            handle(JSON.parse(event.data));
            changed();
        });
    listen("world", (world) => {
        if (state.world && state.world.run !== world.run) location.reload();
        state.world = world;
        on.connected(true);
    });
    listen("messages", (messages) => {
        state.messages.clear();
        messages.forEach(keep);
        if (begun) return;
        begun = true;
        recallSeen();
    });
    listen("message", (message) => {
        const isNew = !state.messages.get(message.chat)?.has(message.id);
        keep(message);
        if (message.from.id === state.world.bot.id) state.doing.delete(message.chat);
        if (isNew) on.message(message);
    });
    listen("deleted", forget);
    listen("action", ({ chat, action }) => {
        state.doing.set(chat, { action, until: Date.now() + ACTION_SHOWN });
        setTimeout(changed, ACTION_SHOWN + 100);
    });
    listen("pressed", (press) => {
        state.presses.set(press.press, press);
        setTimeout(() => state.presses.delete(press.press) && changed(), PRESS_TIMEOUT);
    });
    listen("answered", (answer) => {
        state.presses.delete(answer.press);
        if (answer.person === state.me) on.answer(answer);
    });
    source.addEventListener("error", () => {
        if (source.readyState === EventSource.CLOSED) setTimeout(() => follow(on), AGAIN);
        if (!state.world) return;
        on.connected(false);
        changed();
    });
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
