/** Switches for faults, of the provider and of Telegram. */

import { actions } from "../actions.js";
import { ask } from "../api.js";
import { h, keyed } from "../dom.js";
import { changed, language, state } from "../state.js";
import { t } from "../texts.js";

const SETTLED = 500; // milliseconds after which the stream has shown the effect of a switch
const turned = new Map(); // how often each switch was turned

/** Return this section of the panel: its node, and a function to update it. */
export function faults() {
    const provider = h("div", { class: "switches" });
    const telegram = h("div", { class: "switches" });
    const node = h(
        "section",
        { "aria-labelledby": "faults-title" },
        h("h3", { id: "faults-title" }, t("faults.title")),
        h("h4", {}, t("faults.provider")),
        provider,
        h("h4", {}, t("faults.telegram")),
        telegram,
    );
    return {
        node,
        update(world) {
            keyed(provider, all(world.faults.provider));
            keyed(telegram, [
                ...all(world.faults.telegram),
                ...world.people.filter((one) => one.id === state.me).map(blocking),
            ]);
        },
    };
}

const all = (found) =>
    Object.entries(found).map(([name, on]) =>
        item(name, on, t(`faults.${name}`), t(`faults.${name}.hint`), (now) => ask("switch", { fault: name, on: now })),
    );

const blocking = ({ id, name, blocked }) =>
    item(`blocked ${id}`, blocked, t("faults.blocked", { name }), t("faults.blocked.hint"), (now) =>
        actions.block(id, now),
    );

function item(key, on, words, hint, turn) {
    return {
        key,
        version: [on, language(), turned.get(key)],
        build: () => {
            const input = h("input", {
                type: "checkbox",
                role: "switch",
                checked: on,
                "data-focus": "switch",
                name: key,
            });
            input.addEventListener("change", async () => {
                await turn(input.checked);
                // A fault that strikes only once may already be over. No event tells so; the switch is redrawn.
                turned.set(key, (turned.get(key) ?? 0) + 1);
                setTimeout(changed, SETTLED);
            });
            return h("label", { class: "switch" }, h("span", {}, h("span", {}, words), h("small", {}, hint)), input);
        },
    };
}
