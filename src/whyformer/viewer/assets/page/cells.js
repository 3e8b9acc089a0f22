// The cells of a heat map: a note about the cell under the pointer, after a touch, or reached with the arrow keys.
import {svg} from "./dom.js";
import {clamp} from "./numbers.js";
import {hideTip, leaveTip, showTip} from "./tip.js";

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const FAR = -9999; // where the frame is while no cell is read
const reached = new Map(); // key of a map -> the last cell, also after the map is drawn again

// Return the frame of the cell that is read, and the area that reacts. `wide` and `tall` are the sizes of a cell.
// Args: note: (row, column) => lines of the note; seen: called with the row, and with null afterwards.
export function cells({ left, top, wide, tall, rows, columns }, note, { key, label, seen = () => {} }) {
  const frame = svg("rect", { class: "here", x: FAR, y: FAR, width: wide, height: tall });
  const end = () => {
    frame.setAttribute("x", FAR);
    seen(null);
  };
  const read = (event, row, column) => {
    const [r, c] = [clamp(row, 0, rows - 1), clamp(column, 0, columns - 1)];
    reached.set(key, [r, c]);
    frame.setAttribute("x", left + c * wide);
    frame.setAttribute("y", top + r * tall);
    showTip(note(r, c), event, { beside: frame, end });
    seen(r);
  };
  const point = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    read(event, Math.floor(((event.clientY - box.top) / box.height) * rows), Math.floor(((event.clientX - box.left) / box.width) * columns));
  };
  const step = (event) => {
    const move = ARROWS[event.key];
    if (!move) return;
    event.preventDefault();
    const [row, column] = reached.get(key) ?? [0, 0];
    read(event, row + move[0], column + move[1]);
  };
  return [frame, svg("rect", {
    class: "catch", x: left, y: top, width: columns * wide, height: rows * tall, tabindex: 0, role: "img", "aria-label": label, "aria-describedby": "tip", "data-key": key,
    onpointermove: point, onpointerdown: point, onpointerleave: leaveTip, onkeydown: step, onfocus: (event) => read(event, ...(reached.get(key) ?? [0, 0])), onblur: hideTip,
  })];
}
