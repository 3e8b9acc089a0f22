// The small note beside the pointer.

export function showTip(lines, event) {
  const tip = document.getElementById("tip");
  tip.replaceChildren(...lines.filter(Boolean).map((line, k) => Object.assign(document.createElement(k ? "span" : "b"), { textContent: line })));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const room = document.documentElement.clientWidth;
  const place = event.clientX ? { x: event.clientX, y: event.clientY } : centre(event.target);
  tip.style.left = `${Math.min(Math.max(8, place.x - box.width / 2), room - box.width - 8)}px`;
  tip.style.top = `${place.y - box.height - 16 < 4 ? place.y + 20 : place.y - box.height - 16}px`;
}

function centre(element) {
  const box = element.getBoundingClientRect();
  return { x: box.left + box.width / 2, y: box.top };
}

export function hideTip() {
  document.getElementById("tip").hidden = true;
}

// Handlers that show a note for a shape, with pointer and with keyboard.
export function tipped(lines) {
  const show = (event) => showTip(typeof lines === "function" ? lines(event) : lines, event);
  return { onpointermove: show, onpointerdown: show, onpointerleave: hideTip, onfocus: show, onblur: hideTip };
}
