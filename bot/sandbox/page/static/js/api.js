/** Asking the sandbox for something. What comes of it is told by the stream. */

import { notice } from "./notices.js";
import { t } from "./texts.js";

/** Post a form; a refusal is said in a notice. Gives whether it was done. */
export function ask(form, content) {
    return post(`api/${form}`, { body: JSON.stringify(content), headers: { "content-type": "application/json" } });
}

/** Send a person's file into a chat. */
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
