/** Requests to the sandbox. The stream shows their effect. */

import { notice } from "./notices.js";
import { t } from "./texts.js";

/** Post a form. Return whether it succeeded; if not, show a notice. */
export function ask(form, content) {
    return post(`api/${form}`, { body: JSON.stringify(content), headers: { "content-type": "application/json" } });
}

/** Send a person's file to a chat. */
export function upload(person, chat, file) {
    const query = new URLSearchParams({ person, chat, name: file.name });
    return post(`api/upload?${query}`, { body: file, headers: { "content-type": "application/octet-stream" } });
}

async function post(address, request) {
    try {
        const answer = await fetch(address, { method: "POST", ...request });
        if (answer.ok) return true;
        const { error } = await answer.json();
        notice(t(`error.${error}`));
    } catch {
        notice(t("error.lost"));
    }
    return false;
}
