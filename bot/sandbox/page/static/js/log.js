/** The open chat's messages, live. */

import { reply } from "./composer.js";
import { h, keyed } from "./dom.js";
import { icon } from "./icons.js";
import { messageNode } from "./message.js";
import { GENERAL, chatOf, language, lastSeen, markSeen, messagesOf, now, onChange, state } from "./state.js";
import { dayOf, longDay, t } from "./texts.js";

const NEAR = 90; // pixels; closer to the end than this, the log scrolls to new messages

const lines = h("div", { class: "messages" });
export const log = h("div", { class: "log", role: "log", tabindex: "0", "aria-live": "polite" }, lines);
export const toEnd = h("button", { type: "button", class: "to-end", hidden: true, onclick: () => end() }, icon("down"));

let following = true; // the end is visible, and must stay so
let drawnVisible = false; // whether the log was visible when it was drawn last
let shown = ""; // the person, chat and topic that are drawn
let newFrom = 0; // the last message seen before this chat was opened
let last = null; // the last message drawn

onChange(() => {
    const here = `${state.me}/${state.chat}/${state.topic}`;
    const moved = shown !== here;
    const messages = messagesOf(state.chat);
    if (drawnVisible && log.checkVisibility()) following = isNearEnd();
    if (moved) {
        shown = here;
        newFrom = lastSeen(state.me, state.chat, state.topic ?? GENERAL);
        log.setAttribute("aria-live", "off"); // older messages are not announced
        setTimeout(() => log.setAttribute("aria-live", "polite"));
    }
    log.setAttribute("aria-label", t("log.label"));
    toEnd.setAttribute("aria-label", t("log.end"));
    keyed(lines, items(messages));
    spin();
    const newest = messages.at(-1) ?? null;
    const isMine = newest !== last && newest?.from.id === state.me;
    last = newest;
    if (moved || following || isMine) end();
    drawnVisible = log.checkVisibility();
    const isSeen = drawnVisible && document.visibilityState === "visible";
    if (isSeen) markSeen(state.me, state.chat, state.topic ?? GENERAL);
});

const isNearEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;

function end() {
    following = true;
    log.scrollTop = log.scrollHeight;
}

log.addEventListener("scroll", () => {
    if (!log.checkVisibility()) return;
    following = isNearEnd();
    toEnd.hidden = following;
});

new ResizeObserver(() => following && end()).observe(log);

function items(messages) {
    const made = [];
    const isGroup = chatOf(state.chat).kind !== "private";
    const looks = [state.me, language()];
    messages.forEach((message, index) => {
        const [before, after] = [messages[index - 1], messages[index + 1]];
        const day = dayOf(message.at);
        const isNewDay = !before || dayOf(before.at) !== day;
        if (isNewDay) made.push(dayItem(message, day));
        const isNew = isFirstNew(message, before);
        if (isNew) made.push({ key: "new", version: looks, build: () => h("div", { class: "new" }, t("log.new")) });
        const first = isNewDay || isNew || !belongs(before, message);
        const place = { first, last: !belongs(message, after), named: isGroup && message.from.id !== state.me };
        made.push({
            key: `${message.chat}/${message.id}`,
            version: [message, ...Object.values(place), ...looks],
            build: () => messageNode(message, { ...place, answer: reply, jump: (id) => jump(message.chat, id) }),
        });
    });
    return made;
}

function isFirstNew(message, before) {
    const isNews = (one) => one && one.chat === state.chat && one.id > newFrom && one.from.id !== state.me;
    return newFrom > 0 && isNews(message) && !(before && before.chat === state.chat && before.id > newFrom);
}

/** Whether a message directly follows another one by the same sender. */
function belongs(one, next) {
    const near = one && next && !one.service && !next.service && one.from.id === next.from.id;
    return Boolean(near) && dayOf(one.at) === dayOf(next.at) && !isFirstNew(next, one);
}

function dayItem(message, day) {
    const words = day === dayOf(now()) ? t("log.today") : longDay(message.at);
    return { key: `day ${day}`, version: [words], build: () => h("div", { class: "day" }, h("span", {}, words)) };
}

/** Show spinners on exactly those buttons that wait for an answer. */
function spin() {
    const pressed = new Set(
        [...state.presses.values()]
            .filter((press) => press.person === state.me)
            .map((press) => `${press.chat}/${press.message} ${press.data}`),
    );
    for (const key of /** @type {NodeListOf<HTMLElement>} */ (lines.querySelectorAll("[data-key]"))) {
        key.setAttribute("aria-busy", String(pressed.has(key.dataset.key)));
    }
}

export function jump(chat, id) {
    /** @type {HTMLElement | null} */
    const node = lines.querySelector(`[data-message="${chat}/${id}"]`);
    if (!node) return;
    node.scrollIntoView({ block: "center" });
    node.focus({ preventScroll: true });
    node.classList.add("found");
    setTimeout(() => node.classList.remove("found"), 1500);
}
