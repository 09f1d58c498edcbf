/** The group: its administrator's actions on the bot's membership and on the group itself. */

import { ask } from "../api.js";
import { h } from "../dom.js";
import { botStatus, person } from "../state.js";
import { t } from "../texts.js";

const ACTIONS = {
    add: (chat) => !["member", "administrator"].includes(botStatus(chat)),
    promote: (chat) => botStatus(chat) === "member",
    remove: (chat) => ["member", "administrator"].includes(botStatus(chat)),
    upgrade: (chat) => chat.kind === "group",
    topic: (chat) => chat.kind === "supergroup",
};

/** Return this section of the panel: its node, and a function to update it. */
export function group() {
    let chat = null;
    const hint = h("p", { class: "hint" });
    const buttons = Object.fromEntries(
        Object.keys(ACTIONS).map((action) => [
            action,
            h("button", { type: "button", class: "plain", onclick: () => administer(action) }, t(`group.${action}`)),
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

    const administrator = () => Number(Object.entries(chat.members).find(([, role]) => role === "creator")[0]);
    const administer = (action) => ask("administer", { person: administrator(), chat: chat.id, action });

    return {
        node,
        update(world) {
            chat = world.chats.find((one) => one.kind !== "private" && one.movedTo === null);
            const role = t(`group.bot.${botStatus(chat) ?? "left"}`);
            hint.textContent = t("group.hint", { name: person(administrator()).name, group: chat.title, role });
            for (const [action, button] of Object.entries(buttons)) button.disabled = !ACTIONS[action](chat);
        },
    };
}
