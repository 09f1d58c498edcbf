/** The bank, that is the account's credit: how much there is, topping it up, and whether the bot's token may read it. */

import { ask } from "../api.js";
import { h, keyed } from "../dom.js";
import { language, now } from "../state.js";
import { dayOf, fromDay, money, t } from "../texts.js";
import { cents, form } from "./forms.js";

/** Return this section of the panel: its node, and a function to update it. */
export function credit() {
    const amount = amountField("credit", "0");
    const shown = h("input", { type: "checkbox", role: "switch", name: "credit_shown", "data-focus": "switch" });
    shown.addEventListener("change", () => ask("showcredit", { shown: shown.checked }));
    const transfers = h("ul", { class: "transfers", "aria-label": t("credit.transfers") });
    const balance = h("p", { class: "balance" });
    const node = h(
        "section",
        { class: "bank", "aria-labelledby": "bank-title" },
        h("div", { class: "title" }, h("h3", { id: "bank-title" }, t("credit.title")), balance),
        form(
            "credit",
            () => ask("credit", { cents: cents(amount.value) }),
            h("label", { for: "credit" }, t("invoices.credit")),
            amount,
            h("button", { class: "plain" }, t("invoices.set")),
        ),
        topUpForm(),
        transfers,
        h("label", { class: "switch" }, h("span", {}, t("credit.shown")), shown),
    );
    let last = null;
    const update = ({ credit, creditShown, transfers: sent }) => {
        shown.checked = creditShown;
        const today = dayOf(now());
        keyed(
            transfers,
            sent.map((one, index) => transfer(one, index, today)),
        );
        if (credit === last) return;
        last = credit;
        balance.textContent = money(credit);
        amount.value = Number(credit).toFixed(2);
    };
    return { node, update };
}

function topUpForm() {
    const amount = amountField("top-up", "0.01");
    amount.value = "10.00";
    const topUp = (by_transfer) => ask("topup", { cents: cents(amount.value), by_transfer });
    const byTransfer = h("button", { type: "button", class: "plain" }, t("credit.by_transfer"));
    byTransfer.addEventListener("click", () => amount.reportValidity() && topUp(true));
    return form(
        "top-up",
        () => topUp(false),
        h("label", { for: "top-up" }, t("credit.top_up")),
        amount,
        h("div", { class: "tools" }, h("button", { class: "plain" }, t("credit.at_once")), byTransfer),
    );
}

const amountField = (id, min) => h("input", { type: "number", id, min, max: "100000", step: "0.01", required: true });

function transfer({ amount, arrives }, index, today) {
    const words = () => t("credit.transfer", { amount: money(amount), day: fromDay(arrives, today) });
    return { key: `${index} ${arrives}`, version: [amount, today, language()], build: () => h("li", {}, words()) };
}
