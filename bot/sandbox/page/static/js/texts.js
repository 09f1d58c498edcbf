/** The page's own texts, in the current person's language. */

import { de } from "../texts/de.js";
import { en } from "../texts/en.js";
import { language, state } from "./state.js";

const TEXTS = { de, en };
const LOCALES = { de: "de-DE", en: "en-GB" };

/** Return a text by its key, with `{name}` filled in. @param {string} key @param {Record<string, unknown>} values */
export function t(key, values = {}) {
    return TEXTS[language()][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

const formats = new Map();

function format(kind, options) {
    const key = `${language()} ${kind.name} ${JSON.stringify(options)}`;
    if (!formats.has(key)) formats.set(key, new kind(LOCALES[language()], options));
    return formats.get(key);
}

const moment = (at, options) => format(Intl.DateTimeFormat, { ...options, timeZone: state.world.zone }).format(at);

export const clockTime = (at) => moment(at, { hour: "2-digit", minute: "2-digit" });
export const longDay = (at) => moment(at, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
export const shortDay = (at) => moment(at, { day: "numeric", month: "short" });
export const money = (amount) => format(Intl.NumberFormat, { style: "currency", currency: "EUR" }).format(amount);

/** Return the day of an instant, such as 2026-11-27. */
export const dayOf = (at) =>
    new Intl.DateTimeFormat("en-CA", { timeZone: state.world.zone, dateStyle: "short" }).format(at);

/** Return the distance of a day such as 2026-11-27 from another, in words: in 3 days, yesterday. */
export function fromDay(day, today) {
    const days = Math.round((Date.parse(day) - Date.parse(today)) / 86_400_000);
    return format(Intl.RelativeTimeFormat, { numeric: "auto" }).format(days, "day");
}

export function size(bytes) {
    const [divisor, unit] = bytes < 1000 ? [1, "byte"] : bytes < 1e6 ? [1000, "kilobyte"] : [1e6, "megabyte"];
    const options = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: divisor === 1 ? 0 : 1 };
    return format(Intl.NumberFormat, options).format(bytes / divisor);
}
