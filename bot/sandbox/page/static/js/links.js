/** Links in messages and on buttons. Links to the bot itself are followed here, others open in a new tab. */

import { actions } from "./actions.js";
import { h } from "./dom.js";
import { state } from "./state.js";

/**
 * Return a deep link to the bot as `{start}` or `{startgroup}`, each with its payload; null for other links.
 *
 * @param {string} address
 * @returns {{start?: string, startgroup?: string} | null}
 */
export function deepLink(address) {
    const url = URL.parse(address);
    const isTelegram = url?.protocol === "tg:" || ["t.me", "telegram.me"].includes(url?.hostname);
    if (!isTelegram) return null;
    const name = url.protocol === "tg:" ? url.searchParams.get("domain") : url.pathname.slice(1);
    if (name?.toLowerCase() !== state.world.bot.username.toLowerCase()) return null;
    const group = url.searchParams.get("startgroup");
    return group === null ? { start: url.searchParams.get("start") ?? "" } : { startgroup: group };
}

/** Return a link as an element with this class and content. An address other than http(s) is not a link. */
export function link(address, className, ...content) {
    const deep = deepLink(address);
    if (deep) return h("button", { type: "button", class: className, onclick: () => actions.follow(deep) }, ...content);
    const isWeb = ["http:", "https:"].includes(URL.parse(address)?.protocol);
    if (!isWeb) return h("span", { class: className }, ...content);
    return h("a", { class: className, href: address, target: "_blank", rel: "noopener noreferrer" }, ...content);
}
