/** Build and update the page. No code of the page turns text into HTML. */

/** @import { Child, Item } from "./types.js" */

/** The key and the version of what `keyed` has built.
 * @type {WeakMap<Element, [string, unknown[]]>} */
const versions = new WeakMap();

/**
 * Return an element. Attributes that are null or false are omitted, `true` becomes an empty value, `on…` is a listener.
 * Children that are null or false are omitted; strings and numbers become text.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} attributes
 * @param {(Child | Child[])[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
        else if (value !== null && value !== undefined && value !== false)
            element.setAttribute(name, value === true ? "" : value);
    }
    const isShown = (/** @type {any} */ child) => child !== null && child !== undefined && child !== false;
    element.append(.../** @type {Node[]} */ (children.flat().filter(isShown)));
    return element;
}

/**
 * Set a parent's children to these items, in this order. An item is `{key, version, build}`. Its node is kept while all
 * parts of its version (a list) stay the same. Otherwise it is rebuilt, and keeps the focus if it had it.
 *
 * @param {Element} parent
 * @param {Item[]} items
 */
export function keyed(parent, items) {
    const wanted = new Set(items.map((item) => item.key));
    const nodes = new Map();
    for (const node of [...parent.children]) {
        const [key] = versions.get(node) ?? [];
        if (wanted.has(key)) nodes.set(key, node);
        else leave(node);
    }
    let next = parent.firstElementChild;
    for (const { key, version, build } of items) {
        const node = nodes.get(key);
        if (node && same(versions.get(node)[1], version)) {
            if (node === next) next = next.nextElementSibling;
            else parent.insertBefore(node, next);
            continue;
        }
        const fresh = build();
        versions.set(fresh, [key, version]);
        if (node === next) next = next?.nextElementSibling ?? null;
        if (node) replace(node, fresh);
        else parent.insertBefore(fresh, next);
    }
}

function same(one, other) {
    return one.length === other.length && one.every((part, index) => part === other[index]);
}

/** The element that has the focus. It is one of HTML, or nothing. */
export const focused = () => /** @type {HTMLElement | null} */ (document.activeElement);

/** Focus the text field, if it is there. */
export const focusField = () => /** @type {HTMLElement | null} */ (document.querySelector("#text"))?.focus();

/** Replace a node. The focus returns to the element with the same `data-focus`, or else to the first button. */
function replace(node, fresh) {
    const name = node.contains(focused()) ? (focused().dataset.focus ?? "") : null;
    node.replaceWith(fresh);
    if (name === null) return;
    /** @type {HTMLElement | null} */
    const again = fresh.querySelector(`[data-focus="${CSS.escape(name)}"]`) ?? fresh.querySelector("button, a[href]");
    if (again) again.focus({ preventScroll: true });
    else focusField();
}

function leave(node) {
    const had = node.contains(focused());
    node.remove();
    if (had) focusField();
}
