/** The provider's ledger: the account's invoices. */

import { ask } from "../api.js";
import { h, keyed } from "../dom.js";
import { now } from "../state.js";
import { dayOf, t } from "../texts.js";
import { cents, form } from "./forms.js";
import { item } from "./invoice.js";

const KINDS = ["Hosting", "Domain", "Donation"];
const MAKINGS = ["open", "paid", "by_credit", "unreadable", "credit_note", "collective"];

/** Return this section of the panel: its node, and a function to update it. */
export function invoices() {
    const list = h("ul", { class: "invoices", "aria-label": t("invoices.list") });
    const heading = h("h3", { id: "invoices-title" }, t("invoices.title"));
    const node = h("section", { "aria-labelledby": "invoices-title" }, heading, newForm(), list);
    return {
        node,
        update(world) {
            const today = dayOf(now());
            keyed(
                list,
                world.invoices.map((invoice) => item(invoice, today)),
            );
        },
    };
}

function newForm() {
    const amount = h("input", {
        type: "number",
        id: "amount",
        min: "0.01",
        max: "100000",
        step: "0.01",
        value: "12.34",
        required: true,
    });
    const days = h("input", {
        type: "number",
        id: "days",
        min: "-365",
        max: "3650",
        step: "1",
        value: "8",
        required: true,
    });
    const options = (all) => all.map((one) => h("option", { value: one }, t(`invoices.${one}`)));
    const kind = h("select", { id: "kind" }, ...options(KINDS));
    const making = h("select", { id: "making", "aria-label": t("invoices.making") }, ...options(MAKINGS));
    return form(
        "issue",
        () =>
            ask("issue", {
                cents: cents(amount.value),
                days: Number(days.value),
                kind: kind.value,
                making: making.value,
            }),
        h("div", {}, h("label", { for: "amount" }, t("invoices.amount")), amount),
        h("div", {}, h("label", { for: "days" }, t("invoices.days")), days),
        h("div", {}, h("label", { for: "kind" }, t("invoices.kind")), kind),
        making,
        h("button", { class: "strong" }, t("invoices.create")),
    );
}
