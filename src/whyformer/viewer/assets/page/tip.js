// The small note beside the pointer, or beside the control that has the focus.

let focused = null; // the element whose focus shows the note
let anchor = null; // the element beside which the note stands then
let ended = null; // what is done when the note disappears

// Args: beside: where the note stands, if not beside the focused element; end: called when the note disappears.
export function showTip(lines, event, { beside = null, end = null } = {}) {
  const tip = document.getElementById("tip");
  if (ended !== end) ended?.();
  ended = end;
  tip.replaceChildren(...lines.filter(Boolean).map((line, k) => Object.assign(document.createElement(k ? "span" : "b"), { textContent: line })));
  tip.hidden = false;
  focused = ["focus", "click", "keydown"].includes(event.type) ? event.currentTarget : null;
  anchor = beside ?? focused;
  placeTip(event.clientX && !focused ? { x: event.clientX, y: event.clientY } : centre(focused ? anchor : event.currentTarget ?? event.target));
}

function placeTip(place) {
  const tip = document.getElementById("tip");
  const box = tip.getBoundingClientRect();
  const room = document.documentElement.clientWidth;
  tip.style.left = `${Math.min(Math.max(8, place.x - box.width / 2), room - box.width - 8)}px`;
  tip.style.top = `${place.y - box.height - 16 < 4 ? (place.end ?? place.y + 12) + 8 : place.y - box.height - 12}px`;
}

function centre(element) {
  const box = element.getBoundingClientRect();
  return { x: box.left + box.width / 2, y: box.top, end: box.bottom };
}

export function hideTip() {
  const end = ended;
  focused = ended = null;
  document.getElementById("tip").hidden = true;
  end?.();
}

// After a touch, the note stays until the next touch or until the page scrolls.
export function leaveTip(event) {
  if (event.pointerType !== "touch") hideTip();
}

// When the page scrolls, the note stays with the control that has the focus, and otherwise disappears.
export function moveTip() {
  if (focused?.isConnected && focused === document.activeElement) placeTip(centre(anchor));
  else hideTip();
}

// Handlers that show a note for a shape, with pointer and with keyboard.
export function tipped(lines, options) {
  const show = (event) => showTip(typeof lines === "function" ? lines(event) : lines, event, options);
  return { onpointermove: show, onpointerdown: show, onpointerleave: leaveTip, onfocus: show, onblur: hideTip };
}

// Handlers that show a note about words: when a mouse is over them, with the focus, and after a touch.
export function noted(lines) {
  const show = (event) => showTip(lines, event);
  const byMouse = (act) => (event) => event.pointerType === "mouse" && act(event);
  return { onpointerenter: byMouse((event) => showTip(lines, { type: "pointer", target: event.currentTarget })), onpointerleave: byMouse(hideTip), onfocus: show, onblur: hideTip, onclick: show };
}
