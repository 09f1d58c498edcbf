/**
 * What the stream sends, for the type checker. `bot/sandbox/page/snapshot.py` makes it.
 *
 * @typedef {{id: number, name: string, fullName: string, language: string, started: boolean, linked: boolean,
 *     blocked: boolean}} Person
 * @typedef {{id: number, name: string, username: string, descriptions: Record<string, string>}} Bot
 * @typedef {{id: number, name: string}} Topic
 * @typedef {{id: number, kind: "private" | "group" | "supergroup", title: string, members: Record<string, string>,
 *     topics: Topic[], pinned: number | null, movedTo: number | null,
 *     menus: Record<string, [string, string][]>}} Chat
 * @typedef {{id: number, titles: Record<string, string>, kind: string, left: string, total: string, due: string,
 *     status: string, service: string | null}} Invoice
 * @typedef {{amount: string, arrives: string}} Transfer
 * @typedef {{run: string, ahead: number, zone: string, token: string, bot: Bot, people: Person[], chats: Chat[],
 *     faults: {provider: Record<string, boolean>, telegram: Record<string, boolean>}, payers: number[],
 *     credit: string, creditShown: boolean, transfers: Transfer[], invoices: Invoice[]}} World
 *
 * @typedef {{type: string, offset: number, length: number, url?: string}} Entity
 * @typedef {{text: string, style: string | null, data: string | null, url: string | null, copied: string | null}} Button
 * @typedef {{name: string, size: number, type: string, href: string, opens: boolean}} StoredFile
 * @typedef {{id: number, name: string, text: string, deleted: boolean}} Quote
 * @typedef {{id: number, chat: number, from: {id: number, name: string}, at: number, edited: boolean, text: string,
 *     entities: Entity[], keyboard: Button[][], file: StoredFile | null, reply: Quote | null, topic: number | null,
 *     silent: boolean, protected: boolean, forceReply: boolean, service: string | null}} Message
 *
 * @typedef {{press: number, person: number, chat: number, message: number, data: string}} Press
 * @typedef {{press: number, person: number, text: string, alert: boolean, url: string}} Answer
 *
 * @typedef {string | number | Node | null | undefined | false} Child
 * @typedef {{key: string, version: unknown[], build: () => Element}} Item An element of a list that `keyed` draws.
 */

export {};
