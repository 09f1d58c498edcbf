/** The page's state: the world, and what the user is looking at. Views redraw whenever it has changed. */

const SEEN = "seen"; // the key for read marks in the tab's session storage

/** @import { Chat, Message, Person, Press, World } from "./types.js" */

export const state = {
    /** Everything but messages, from the stream: people, chats, invoices, faults, time. Null at first.
     * @type {World} */
    world: null,
    /** Messages by chat and id.
     * @type {Map<number, Map<number, Message>>} */
    messages: new Map(),
    /** The ids of the current person and of the open chat (null: none).
     * @type {number} */
    me: null,
    /** @type {number} */
    chat: null,
    /** The open topic in a group with topics; null in all other chats.
     * @type {number} */
    topic: null,
    /** The bot's current chat action, by chat, until a time in real milliseconds.
     * @type {Map<number, {action: string, until: number}>} */
    doing: new Map(),
    /** Presses of buttons that wait for an answer, by id.
     * @type {Map<number, Press>} */
    presses: new Map(),
    /** The ids of the last messages seen, by person, chat and topic.
     * @type {Map<string, number>} */
    seen: new Map(),
};

/** @type {(() => void)[]} */
const listeners = [];
let waiting = false;

/** Call a function after every change. @param {() => void} listener */
export function onChange(listener) {
    listeners.push(listener);
}

/** Redraw after a change. Changes at the same time are drawn together. */
export function changed() {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
        waiting = false;
        if (state.world) for (const listener of listeners) listener();
    });
}

/** @param {number} id @returns {Person | undefined} */
export const person = (id) => state.world?.people.find((one) => one.id === id);
export const me = () => person(state.me);
/** @param {number} id @returns {Chat | undefined} */
export const chatOf = (id) => state.world.chats.find((one) => one.id === id);
export const language = () => (me()?.language === "de" ? "de" : "en");

/** The sandbox's current time. */
export const now = () => Date.now() + (state.world?.ahead ?? 0);

/**
 * A person's chats, the private one first. An upgraded group is not listed: its messages are in its successor.
 *
 * @param {number} personId
 */
export function chatsOf(personId) {
    const mine = state.world.chats.filter((chat) => chat.members[personId] && chat.movedTo === null);
    const theirs = mine.filter((chat) => chat.kind !== "private" || chat.id === personId);
    return theirs.sort((one, other) => Number(other.id === personId) - Number(one.id === personId));
}

/**
 * A chat's messages, oldest first, including those of the group that it was before an upgrade.
 *
 * @param {number} chatId
 * @returns {Message[]}
 */
export function messagesOf(chatId) {
    const all = allMessagesOf(chatId);
    return state.topic === null || chatId !== state.chat ? all : all.filter((one) => topicOf(one) === state.topic);
}

/** The id of the General topic. Messages in it have no topic id. */
export const GENERAL = 1;
/** @param {Message} message */
export const topicOf = (message) => (chatOf(message.chat)?.topics.length && message.topic) || GENERAL;

/** @param {number} chatId @returns {Message[]} */
function allMessagesOf(chatId) {
    const earlier = state.world.chats.find((chat) => chat.movedTo === chatId);
    const own = [...(state.messages.get(chatId)?.values() ?? [])].filter((one) => one.service !== "migrate_to_chat_id");
    return earlier ? [...allMessagesOf(earlier.id), ...own] : own;
}

/** The bot's membership status in a chat; null if it has never been in it. @param {Chat} chat */
export const botStatus = (chat) => chat.members[state.world.bot.id] ?? null;

const place = (personId, chatId, topic) => `${personId}/${chatId}/${topic}`;

/** The id of the last message that a person has seen in a topic. A chat without topics counts as General. */
export const lastSeen = (personId, chatId, topic = GENERAL) => state.seen.get(place(personId, chatId, topic)) ?? 0;

/** How many messages by others a person has not seen in a chat, or in one of its topics. */
export function unread(personId, chatId, topic = null) {
    const isNews = (one) => one.from.id !== personId && one.id > lastSeen(personId, chatId, topicOf(one));
    const messages = [...(state.messages.get(chatId)?.values() ?? [])].filter(isNews);
    return messages.filter((one) => topic === null || topicOf(one) === topic).length;
}

export const unreadOf = (personId) => chatsOf(personId).reduce((sum, chat) => sum + unread(personId, chat.id), 0);

/** Whether a message is in the open chat and topic. @param {Message} message */
export const isOpen = (message) => message.chat === state.chat && topicOf(message) === (state.topic ?? GENERAL);

/** Mark all messages of a topic as seen by a person. */
export function markSeen(personId, chatId, topic = GENERAL) {
    const last = Math.max(0, ...(state.messages.get(chatId)?.keys() ?? []));
    if (last <= lastSeen(personId, chatId, topic)) return;
    state.seen.set(place(personId, chatId, topic), last);
    sessionStorage.setItem(SEEN, JSON.stringify({ run: state.world.run, seen: [...state.seen] }));
}

/** Restore the read marks of this tab after a reload. In a new tab, everything present counts as read. */
export function recallSeen() {
    const { run, seen } = JSON.parse(sessionStorage.getItem(SEEN)) ?? {};
    if (run === state.world.run) state.seen = new Map(seen);
    else for (const one of state.world.people) for (const chat of chatsOf(one.id)) markAllSeen(one.id, chat);
}

function markAllSeen(personId, chat) {
    for (const topic of [GENERAL, ...chat.topics.map((one) => one.id)]) markSeen(personId, chat.id, topic);
}
