/** Line drawings, 24 units wide and high. */

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
    back: "M15 5l-7 7 7 7",
    bill: "M7 3.500h10v17l-2.500-1.700L12 20.500l-2.500-1.700L7 20.500zM10 8.500h4M10 12h4",
    check: "M5 12.500l4.500 4.500L19 7.500",
    clip: "M19 11.500l-7.500 7.500a4.600 4.600 0 0 1-6.500-6.500l8-8a3.100 3.100 0 0 1 4.400 4.400l-7.800 7.800a1.500 1.500 0 0 1-2.200-2.200l7-7",
    close: "M6 6l12 12M18 6L6 18",
    copy: "M9 9h10v11H9zM15 9V4H5v11h4",
    down: "M6 9l6 6 6-6",
    download: "M12 4v11M7 11l5 5 5-5M5 20h14",
    file: "M6 3h8l5 5v13H6zM14 3v5h5M9 13h7M9 17h5",
    link: "M14 5h5v5M19 5l-8 8M17 14v5H5V7h5",
    lock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
    moon: "M19.500 14A8 8 0 0 1 10 4.500a8 8 0 1 0 9.500 9.500z",
    reply: "M9 7l-5 5 5 5M4 12h9a7 7 0 0 1 7 7",
    send: "M4 12L20 4l-5 16-4-6.500zM11 13.500L20 4",
    silent: "M4 4l16 16M7 9.500V16h9M9 5.500A5.500 5.500 0 0 1 17.500 10v4M10.500 19.500h3",
    sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M18.700 5.300l-1.400 1.400M6.700 17.300l-1.400 1.400",
    world: "M4 7h8M18 7h2M4 17h2M12 17h8M15 4.800a2.200 2.200 0 1 0 0 4.400 2.200 2.200 0 0 0 0-4.400M9 14.800a2.200 2.200 0 1 0 0 4.400 2.200 2.200 0 0 0 0-4.400",
};

/** Return a line drawing that is hidden from screen readers. */
export function icon(name) {
    const drawing = document.createElementNS(SVG, "svg");
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", ICONS[name]);
    drawing.append(path);
    drawing.setAttribute("viewBox", "0 0 24 24");
    drawing.setAttribute("class", `icon icon-${name}`);
    drawing.setAttribute("aria-hidden", "true");
    return drawing;
}
