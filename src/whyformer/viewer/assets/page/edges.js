// A cue for everything that scrolls sideways: an edge behind which more is hidden fades out, see `[data-more]` in page.css.

const SCROLLING = ".scroll, .examples, .equation";

export function markEdges(place = document) {
  for (const one of place.querySelectorAll(SCROLLING)) markEdge(one);
}

function markEdge(one) {
  const left = one.scrollLeft > 1;
  const right = one.scrollLeft + one.clientWidth < one.scrollWidth - 1;
  one.dataset.more = [left && "left", right && "right"].filter(Boolean).join(" ");
}

// The events after which an edge may have changed. Scrolling and toggling do not bubble, but they are captured.
export function watchEdges() {
  addEventListener("scroll", ({ target }) => target instanceof Element && target.matches(SCROLLING) && markEdge(target), { passive: true, capture: true });
  addEventListener("toggle", () => markEdges(), { capture: true });
}
