/** The page: follow the sandbox, and show notices about its events. */

import "./chat.js";
import "./list.js";
import "./panel/panel.js";

import { actions, goThere, open, openTopic, show } from "./actions.js";
import { titleOf } from "./chat.js";
import { focusComposer, reply } from "./composer.js";
import { firstLine } from "./entities.js";
import { deepLink } from "./links.js";
import { log } from "./log.js";
import { alert, notice } from "./notices.js";
import { changed, chatOf, chatsOf, isOpen, language, onChange, state, topicOf, unreadOf } from "./state.js";
import { follow } from "./stream.js";
import { t } from "./texts.js";

let connected = true;
/** @type {HTMLElement} */
const banner = document.querySelector("#banner");
/** @type {HTMLElement} */
const skip = document.querySelector("#skip");
skip.addEventListener("click", () => {
    show("chat");
    focusComposer();
});

follow({
    connected(now) {
        if (now && (state.me === null || !chatsOf(state.me).some((chat) => chat.id === state.chat))) goThere();
        if (now) openTopic();
        connected = now;
    },
    message(message) {
        if (message.forceReply && isOpen(message)) reply(message);
        const isMine = message.from.id === state.me || message.silent || message.service;
        if (isMine || !chatsOf(state.me).some((chat) => chat.id === message.chat)) return;
        if (isOpen(message) && log.checkVisibility()) return;
        const title = titleOf(chatOf(message.chat));
        const words = firstLine(message);
        notice(words, {
            title,
            onPress: () => {
                open(state.me, message.chat);
                openTopic(topicOf(message));
                show("chat");
            },
        });
    },
    answer({ text, alert: isAlert, url }) {
        if (text && isAlert) alert(text);
        else if (text) notice(text);
        const deep = url && deepLink(url);
        if (deep) actions.follow(deep);
    },
});

window.addEventListener("hashchange", () => state.world && goThere());

document.addEventListener("visibilitychange", changed); // visible messages count as read
document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && document.body.dataset.view === "panel") show("chat");
});

onChange(() => {
    const me = state.world.people.findIndex((one) => one.id === state.me);
    const count = unreadOf(state.me);
    document.documentElement.lang = language();
    skip.textContent = t("skip.to_field");
    banner.hidden = connected;
    banner.textContent = connected ? "" : t("banner.lost");
    document.body.dataset.me = String(me);
    document.title = `${count ? `(${count}) ` : ""}${titleOf(chatOf(state.chat))} · ${state.world.people[me].name}`;
});
