/** The bot's commands, offered above the text field: those that begin with the typed text, or all. */

import { h } from "./dom.js";
import { chatOf, state } from "./state.js";
import { t } from "./texts.js";

/**
 * Return the list for a text field. Enter or a click calls `send` with a command, Tab puts it into the field. `toggle`
 * shows all commands, `all` returns them as pairs of name and description.
 */
export function commands(field, send) {
    const node = h("ul", { class: "commands", id: "commands", role: "listbox", hidden: true });
    let offered = [];
    let at = 0;

    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", "commands");

    const all = () => chatOf(state.chat)?.menus[state.me] ?? [];

    function offer(found) {
        offered = found;
        at = Math.max(
            0,
            found.findIndex(([name]) => `/${name}` === field.value),
        );
        draw();
    }

    function draw() {
        node.hidden = offered.length === 0;
        node.setAttribute("aria-label", t("composer.menu"));
        node.replaceChildren(...offered.map(option));
        if (node.hidden) field.removeAttribute("aria-activedescendant");
        else field.setAttribute("aria-activedescendant", `command-${at}`);
        node.children[at]?.scrollIntoView({ block: "nearest" });
    }

    function option([name, words], index) {
        const attributes = { role: "option", id: `command-${index}`, "aria-selected": String(index === at) };
        const line = h("li", attributes, h("b", {}, `/${name}`), h("span", {}, words));
        line.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
        line.addEventListener("click", () => choose(index));
        return line;
    }

    function choose(index) {
        const [name] = offered[index];
        close();
        send(`/${name}`);
    }

    function fill() {
        field.value = `/${offered[at][0]} `;
        close();
        field.dispatchEvent(new Event("input"));
    }

    const close = () => offer([]);

    function toggle() {
        if (node.hidden) offer(all());
        else close();
        field.focus();
    }

    field.addEventListener("input", () => {
        const typed = field.value;
        offer(/^\/\w*$/.test(typed) ? all().filter(([name]) => `/${name}`.startsWith(typed.toLowerCase())) : []);
    });
    field.addEventListener("blur", () =>
        setTimeout(() => document.activeElement === field || close(), 150), // the focus may have come back
    );
    field.addEventListener("keydown", (event) => {
        const keys = {
            ArrowDown: () => {
                at = (at + 1) % offered.length;
                draw();
            },
            ArrowUp: () => {
                at = (at + offered.length - 1) % offered.length;
                draw();
            },
            Enter: () => choose(at),
            Tab: fill,
            Escape: close,
        };
        if (node.hidden || event.shiftKey || event.isComposing || !keys[event.key]) return;
        event.preventDefault();
        keys[event.key]();
    });
    return { node, toggle, close, all };
}
