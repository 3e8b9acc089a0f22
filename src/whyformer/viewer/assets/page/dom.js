// Make HTML and SVG elements, and keep the focus when a part of the page is drawn again.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

export function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

// A button. `key` is a name that stays the same when the button is drawn again.
export function button(key, label, onclick, attributes = {}) {
  return html("button", { type: "button", "data-key": key, onclick, ...attributes }, label);
}

// Replace the content of an element. The control that had the focus gets it back.
export function redraw(place, ...children) {
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.dataset?.key;
  const scrolled = [...place.querySelectorAll("[data-scroll]")].map((one) => one.scrollLeft);
  place.replaceChildren(...children.flat(Infinity).filter(Boolean));
  [...place.querySelectorAll("[data-scroll]")].forEach((one, k) => (one.scrollLeft = scrolled[k] ?? 0));
  if (key) place.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

// Make a drawn shape work as a button: click, Enter, space.
export function pressable(key, label, onpress, attributes = {}) {
  return {
    tabindex: 0, role: "button", "aria-label": label, "data-key": key,
    onclick: onpress,
    onkeydown: (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      onpress(event);
    },
    ...attributes,
  };
}
