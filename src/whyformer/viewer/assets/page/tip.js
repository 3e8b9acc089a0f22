// The small note beside the pointer, or beside the control that has the focus.

let focused = null; // the element whose focus shows the note

export function showTip(lines, event) {
  const tip = document.getElementById("tip");
  tip.replaceChildren(...lines.filter(Boolean).map((line, k) => Object.assign(document.createElement(k ? "span" : "b"), { textContent: line })));
  tip.hidden = false;
  focused = event.type === "focus" || event.type === "click" ? event.currentTarget : null;
  placeTip(event.clientX && !focused ? { x: event.clientX, y: event.clientY } : centre(focused ?? event.currentTarget ?? event.target));
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
  focused = null;
  document.getElementById("tip").hidden = true;
}

// When the page scrolls, the note stays with the control that has the focus, and otherwise disappears.
export function moveTip() {
  if (focused?.isConnected && focused === document.activeElement) placeTip(centre(focused));
  else hideTip();
}

// Handlers that show a note for a shape, with pointer and with keyboard.
export function tipped(lines) {
  const show = (event) => showTip(typeof lines === "function" ? lines(event) : lines, event);
  return { onpointermove: show, onpointerdown: show, onpointerleave: hideTip, onfocus: show, onblur: hideTip };
}

// Handlers that show a note about words: when a mouse is over them, with the focus, and after a touch.
export function noted(lines) {
  const show = (event) => showTip(lines, event);
  const byMouse = (act) => (event) => event.pointerType === "mouse" && act(event);
  return { onpointerenter: byMouse((event) => showTip(lines, { type: "pointer", target: event.currentTarget })), onpointerleave: byMouse(hideTip), onfocus: show, onblur: hideTip, onclick: show };
}
