/** Links in messages and on buttons: those to the bot itself are followed here, others in a new tab. */

import { actions } from "./actions.js";
import { h } from "./dom.js";
import { state } from "./state.js";

/** What a link of Telegram's asks of the bot: `{start}` or `{startgroup}`, each with a payload; null for others. */
export function deepLink(address) {
    const url = URL.parse(address);
    const isTelegram = url?.protocol === "tg:" || ["t.me", "telegram.me"].includes(url?.hostname);
    if (!isTelegram) return null;
    const name = url.protocol === "tg:" ? url.searchParams.get("domain") : url.pathname.slice(1);
    if (name?.toLowerCase() !== state.world.bot.username.toLowerCase()) return null;
    const group = url.searchParams.get("startgroup");
    return group === null ? { start: url.searchParams.get("start") ?? "" } : { startgroup: group };
}

/** A link, as an element with this class and content. An address that is none of the web's is no link. */
export function link(address, className, ...content) {
    const deep = deepLink(address);
    if (deep) return h("button", { type: "button", class: className, onclick: () => actions.follow(deep) }, ...content);
    const isWeb = ["http:", "https:"].includes(URL.parse(address)?.protocol);
    if (!isWeb) return h("span", { class: className }, ...content);
    return h("a", { class: className, href: address, target: "_blank", rel: "noopener noreferrer" }, ...content);
}
