/** One invoice in the provider's ledger. */

import { ask } from "../api.js";
import { h } from "../dom.js";
import { language } from "../state.js";
import { fromDay, money, t } from "../texts.js";
import { cents, form } from "./forms.js";

/** @import { Invoice } from "../types.js" */

const drawn = new Map(); // each invoice's status when it was drawn last

/** Return an invoice as a list item, with buttons to change it. @param {Invoice} invoice @param {string} today */
export function item(invoice, today) {
    const { id, titles, total, left, due, status, service } = invoice;
    const title = titles[language()];
    const isOpen = status === "Unpaid";
    return {
        key: String(id),
        version: [title, total, left, due, status, service, today, language()],
        build: () => {
            const state = isOpen && due < today ? "Overdue" : status;
            const when = isOpen ? t("invoices.due", { day: fromDay(due, today) }) : "";
            const amount = money(isOpen ? left : total);
            const isJustPaid = drawn.get(id) === "Unpaid" && status === "Paid";
            drawn.set(id, status);
            const node = h(
                "li",
                { class: `is-${state.toLowerCase()}${isJustPaid ? " just-paid" : ""}` },
                h(
                    "span",
                    { class: "top" },
                    h("b", {}, String(id)),
                    h("span", { class: "state" }, t(`invoices.is.${state}`)),
                    h("b", {}, amount),
                ),
                h("span", { class: "what" }, title),
                when && h("span", { class: "when" }, when),
                service && h("span", { class: `runs is-${service}` }, t(`runs.${service}`)),
                isOpen && h("div", { class: "tools" }, ending(id, "Paid"), ending(id, "Cancelled"), more(id)),
                status === "Gone" && h("div", { class: "tools" }, hiding(id, false)),
            );
            if (isJustPaid) setTimeout(() => node.scrollIntoView({ block: "nearest" }));
            return node;
        },
    };
}

const ending = (invoice, status) => button(invoice, status, () => ask("settle", { invoice, status }));

const hiding = (invoice, hidden) =>
    button(invoice, hidden ? "Gone" : "Back", () => ask("hide", { invoice, hidden }));

/** Return the rarer changes, folded away. */
function more(invoice) {
    const amount = change("0.01", "1.00");
    const days = change("1", "0");
    const send = () => ask("amend", { invoice, cents: cents(amount.value), days: Number(days.value) });
    return h(
        "details",
        {},
        h("summary", { class: "plain small", "data-focus": "more" }, t("invoices.more")),
        form(
            "amend",
            send,
            h("label", {}, t("invoices.by_amount"), amount),
            h("label", {}, t("invoices.by_days"), days),
            h("button", { class: "plain small", "data-focus": "more" }, t("invoices.amend")),
        ),
        h(
            "div",
            { class: "tools" },
            ending(invoice, "Credit"),
            ending(invoice, "Refunded"),
            ending(invoice, "Collections"),
            hiding(invoice, true),
        ),
    );
}

const change = (step, value) => h("input", { type: "number", step, value, required: true, "data-focus": "more" });

function button(invoice, name, press) {
    const words = t(`invoices.let.${name}`);
    const attributes = { type: "button", class: "plain small", "data-focus": name, onclick: press };
    return h("button", { ...attributes, "aria-label": `${words}: ${invoice}` }, words);
}
