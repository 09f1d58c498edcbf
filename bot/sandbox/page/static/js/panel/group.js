/** The group: what its administrator can do with the bot, and with the group itself. */

import { ask } from "../api.js";
import { h } from "../dom.js";
import { botStatus, person } from "../state.js";
import { t } from "../texts.js";

const ACTS = {
    add: (chat) => !["member", "administrator"].includes(botStatus(chat)),
    promote: (chat) => botStatus(chat) === "member",
    remove: (chat) => ["member", "administrator"].includes(botStatus(chat)),
    upgrade: (chat) => chat.kind === "group",
    topic: (chat) => chat.kind === "supergroup",
};

/** This part of the panel: its node, and how to bring it up to date. */
export function group() {
    let chat = null;
    const hint = h("p", { class: "hint" });
    const buttons = Object.fromEntries(
        Object.keys(ACTS).map((act) => [
            act,
            h("button", { type: "button", class: "plain", onclick: () => rule(act) }, t(`group.${act}`)),
        ]),
    );
    const heading = h("h3", { id: "group-title" }, t("group.title"));
    const node = h(
        "section",
        { "aria-labelledby": "group-title" },
        heading,
        hint,
        h("div", { class: "tools" }, ...Object.values(buttons)),
    );

    const ruler = () => Number(Object.entries(chat.members).find(([, role]) => role === "creator")[0]);
    const rule = (act) => ask("rule", { person: ruler(), chat: chat.id, act });

    return {
        node,
        update(world) {
            chat = world.chats.find((one) => one.kind !== "private" && one.movedTo === null);
            const role = t(`group.bot.${botStatus(chat) ?? "left"}`);
            hint.textContent = t("group.hint", { name: person(ruler()).name, group: chat.title, role });
            for (const [act, button] of Object.entries(buttons)) button.disabled = !ACTS[act](chat);
        },
    };
}
