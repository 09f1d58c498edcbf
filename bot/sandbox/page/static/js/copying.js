/** Copy a text to the clipboard. */

import { notice } from "./notices.js";
import { t } from "./texts.js";

/** Copy a text and say so. If the browser does not let it be copied, select the node that shows it, or show it. */
export async function copy(text, node = null) {
    try {
        await navigator.clipboard.writeText(text);
        notice(`${t("steps.copied")}: ${text}`);
    } catch {
        if (node) getSelection().selectAllChildren(node);
        notice(node ? t("steps.not_copied") : text);
    }
}
