/** Building and updating the page. Nothing here, or anywhere else, makes HTML out of text. */

const versions = new WeakMap();

/**
 * An element. Attributes that are null or false are left out, `true` ones are set empty, `on…` ones are listeners;
 * children that are null or false are left out, others that are no nodes become text.
 */
export function h(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
        else if (value !== null && value !== undefined && value !== false)
            element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return element;
}

/**
 * Let a parent's children be these items, in this order. An item is `{key, version, build}`: its node is kept as long
 * as all parts of its version (a list) are the same, and built anew otherwise, with the focus staying in it.
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
        let node = nodes.get(key);
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

/** Put a node in another's place. What had the focus is found again by its `data-focus`, else the first button. */
function replace(node, fresh) {
    const focused = node.contains(document.activeElement) ? (document.activeElement.dataset.focus ?? "") : null;
    node.replaceWith(fresh);
    if (focused === null) return;
    const again =
        fresh.querySelector(`[data-focus="${CSS.escape(focused)}"]`) ?? fresh.querySelector("button, a[href]");
    if (again) again.focus({ preventScroll: true });
    else document.querySelector("#text")?.focus();
}

function leave(node) {
    const focused = node.contains(document.activeElement);
    node.remove();
    if (focused) document.querySelector("#text")?.focus();
}
