  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("role", "status");
  tip.hidden = true;
  document.body.append(tip);
  let lit = null;

  function show(lines, x, y) {
    tip.replaceChildren(
      ...lines.map((line, k) => {
        const part = document.createElement(k ? "span" : "b");
        part.textContent = line;
        return part;
      }),
    );
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const room = document.documentElement.clientWidth;
    const left = Math.min(Math.max(8, x - box.width / 2), room - box.width - 8);
    const above = y - box.height - 14;
    tip.style.left = `${left + window.scrollX}px`;
    tip.style.top = `${(above < 4 ? y + 18 : above) + window.scrollY}px`;
  }
  function hide() {
    tip.hidden = true;
    if (lit) lit.classList.remove("lit");
    lit = null;
  }
  function center(mark) {
    const box = mark.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  }
  function light(mark) {
    if (lit) lit.classList.remove("lit");
    lit = mark;
    mark.classList.add("lit");
    show(mark.dataset.tip.split("\n"), ...center(mark));
  }

  for (const plot of document.querySelectorAll("svg.plot:not([data-heat])")) {
    const marks = [...plot.querySelectorAll("[data-tip]")];
    if (!marks.length) continue;
    const near = (event) => {
      let best = null;
      let least = 60 ** 2;
      for (const mark of marks) {
        const [x, y] = center(mark);
        const far = (x - event.clientX) ** 2 + (y - event.clientY) ** 2;
        if (far < least) [best, least] = [mark, far];
      }
      best ? light(best) : hide();
    };
    plot.addEventListener("pointermove", near);
    plot.addEventListener("pointerdown", near);
    plot.addEventListener("pointerleave", hide);
    plot.addEventListener("blur", hide);
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      event.preventDefault();
      const at = marks.indexOf(lit);
      light(marks[(at + step + marks.length) % marks.length]);
    });
  }

  for (const plot of document.querySelectorAll("svg[data-heat]")) {
    const heat = JSON.parse(plot.dataset.heat);
    let at = [0, -1];
    const tell = (r, c, x, y) => {
      const value = heat.values[r]?.[c];
      if (value === undefined) return hide();
      const where = [heat.rows[r], heat.columns[c]].filter(Boolean).join(" · ");
      show([value === null ? "–" : String(value).replace("-", "−"), where], x, y);
    };
    const near = (event) => {
      const point = new DOMPoint(event.clientX, event.clientY);
      const inside = point.matrixTransform(plot.getScreenCTM().inverse());
      const c = Math.floor((inside.x - heat.left) / heat.side);
      const r = Math.floor((inside.y - heat.top) / heat.tall);
      tell(r, c, event.clientX, event.clientY);
    };
    plot.addEventListener("pointermove", near);
    plot.addEventListener("pointerdown", near);
    plot.addEventListener("pointerleave", hide);
    plot.addEventListener("blur", hide);
    plot.addEventListener("keydown", (event) => {
      const [dr, dc] =
        { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key] ??
        [];
      if (event.key === "Escape") hide();
      if (dr === undefined) return;
      event.preventDefault();
      const clamp = (v, most) => Math.min(Math.max(0, v), most - 1);
      at = [clamp(at[0] + dr, heat.rows.length), clamp(at[1] + dc, heat.columns.length)];
      const point = new DOMPoint(
        heat.left + (at[1] + 0.5) * heat.side,
        heat.top + (at[0] + 0.5) * heat.tall,
      ).matrixTransform(plot.getScreenCTM());
      tell(...at, point.x, point.y);
    });
  }
