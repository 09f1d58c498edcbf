/** What there is to see, and who looks at it. Views draw it anew whenever something of it has changed. */

const SEEN = "seen"; // what the marks of what was read are kept under, in this tab

export const state = {
    /** Everything but messages, as the stream tells it: people, chats, invoices, faults, time. Null at first. */
    world: null,
    /** Messages by chat, each by number. */
    messages: new Map(),
    /** The person one is, and the chat that is open (null: none), as they are in `world`. */
    me: null,
    chat: null,
    /** The topic that is open in a group with topics; null in all others. */
    topic: null,
    /** What the bot shows to be doing, by chat: `{action, until}`, in this machine's milliseconds. */
    doing: new Map(),
    /** Presses of buttons that wait for an answer, by number. */
    presses: new Map(),
    /** The numbers of the last messages seen, by person, chat and topic. */
    seen: new Map(),
};

const listeners = [];
let waiting = false;

/** Call a function after every change. */
export function onChange(listener) {
    listeners.push(listener);
}

/** Something has changed: draw it, once for all changes of this moment. */
export function changed() {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
        waiting = false;
        if (state.world) for (const listener of listeners) listener();
    });
}

export const person = (id) => state.world?.people.find((one) => one.id === id);
export const me = () => person(state.me);
export const chatOf = (id) => state.world.chats.find((one) => one.id === id);
export const language = () => (me()?.language === "de" ? "de" : "en");

/** Now, in the sandbox. */
export const now = () => Date.now() + (state.world?.ahead ?? 0);

/** The chats on a person's phone, that with the bot first; a group that has moved on is its successor's past. */
export function chatsOf(personId) {
    const mine = state.world.chats.filter((chat) => chat.members[personId] && chat.movedTo === null);
    const theirs = mine.filter((chat) => chat.kind !== "private" || chat.id === personId);
    return theirs.sort((one, other) => (other.id === personId) - (one.id === personId));
}

/** The messages of a chat, oldest first, with those of the group that it was before. */
export function messagesOf(chatId) {
    const all = allMessagesOf(chatId);
    return state.topic === null || chatId !== state.chat ? all : all.filter((one) => topicOf(one) === state.topic);
}

/** The topic that General is; messages in it name none. */
export const GENERAL = 1;
export const topicOf = (message) => (chatOf(message.chat)?.topics.length && message.topic) || GENERAL;

function allMessagesOf(chatId) {
    const earlier = state.world.chats.find((chat) => chat.movedTo === chatId);
    const own = [...(state.messages.get(chatId)?.values() ?? [])].filter((one) => one.service !== "migrate_to_chat_id");
    return earlier ? [...allMessagesOf(earlier.id), ...own] : own;
}

/** Whether the bot can be read in a chat: it is no stranger there. */
export const botStatus = (chat) => chat.members[state.world.bot.id] ?? null;

const place = (personId, chatId, topic) => `${personId}/${chatId}/${topic}`;

/** The number of the last message that a person has seen in a topic; a chat without topics is its General. */
export const lastSeen = (personId, chatId, topic = GENERAL) => state.seen.get(place(personId, chatId, topic)) ?? 0;

/** How many messages of others a person has not seen in a chat, or in one topic of it. */
export function unread(personId, chatId, topic = null) {
    const isNews = (one) => one.from.id !== personId && one.id > lastSeen(personId, chatId, topicOf(one));
    const messages = [...(state.messages.get(chatId)?.values() ?? [])].filter(isNews);
    return messages.filter((one) => topic === null || topicOf(one) === topic).length;
}

export const unreadOf = (personId) => chatsOf(personId).reduce((sum, chat) => sum + unread(personId, chat.id), 0);

/** Whether a message stands in what is open. */
export const isOpen = (message) => message.chat === state.chat && topicOf(message) === (state.topic ?? GENERAL);

/** A person has seen all that is in a topic. */
export function markSeen(personId, chatId, topic = GENERAL) {
    const last = Math.max(0, ...(state.messages.get(chatId)?.keys() ?? []));
    if (last <= lastSeen(personId, chatId, topic)) return;
    state.seen.set(place(personId, chatId, topic), last);
    sessionStorage.setItem(SEEN, JSON.stringify({ run: state.world.run, seen: [...state.seen] }));
}

/** Take up what this tab had seen before it was loaded anew; at first, what is there already is no news to anybody. */
export function recallSeen() {
    const { run, seen } = JSON.parse(sessionStorage.getItem(SEEN)) ?? {};
    if (run === state.world.run) state.seen = new Map(seen);
    else for (const one of state.world.people) for (const chat of chatsOf(one.id)) markAllSeen(one.id, chat);
}

function markAllSeen(personId, chat) {
    for (const topic of [GENERAL, ...chat.topics.map((one) => one.id)]) markSeen(personId, chat.id, topic);
}
