"use strict";
// Tips at charts, the filter of verdicts, and the frame of the live pieces. No request is made.
(() => {
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

  const filter = document.querySelector(".filter");
  filter?.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const chosen = button.getAttribute("aria-pressed") === "true" ? "" : button.dataset.verdict;
    for (const one of filter.querySelectorAll("button"))
      one.setAttribute("aria-pressed", String(one.dataset.verdict === chosen));
    for (const row of document.querySelectorAll("[data-verdicts] li"))
      row.hidden = Boolean(chosen) && row.dataset.verdict !== chosen;
    for (const card of document.querySelectorAll("[data-verdicts]"))
      card.hidden = [...card.querySelectorAll("li")].every((row) => row.hidden);
  });

  // On paper nothing can be opened: criteria and tests are printed open.
  for (const [event, open] of [["beforeprint", true], ["afterprint", false]])
    window.addEventListener(event, () => {
      for (const one of document.querySelectorAll(".claim details")) one.open = open;
    });

  window.live = {};
  window.addEventListener("DOMContentLoaded", () => {
    for (const box of document.querySelectorAll(".live")) {
      const told = JSON.parse(box.querySelector("script[type='application/json']").textContent);
      const buttons = [...box.querySelectorAll(".choices button")];
      buttons.forEach((button, k) =>
        button.addEventListener("click", () => {
          buttons.forEach((one, j) => {
            one.classList.toggle("right", j === told.right);
            one.classList.toggle("wrong", j === k && k !== told.right);
            one.setAttribute("aria-pressed", String(j === k));
          });
          const answer = box.querySelector(".answer");
          answer.querySelector("b").textContent = k === told.right ? told.yes : told.no;
          answer.hidden = false;
          const stage = box.querySelector(".stage");
          if (stage.hidden) {
            stage.hidden = stage.nextElementSibling.hidden = false;
            window.live[box.dataset.live](stage, told.words);
          }
        }),
      );
    }
  });

  // What the pieces share: sliders, choices, drawings.
  window.make = (name, attributes = {}, ...children) => {
    const drawing = ["svg", "g", "path", "rect", "circle", "line", "text", "polyline"];
    const one = drawing.includes(name)
      ? document.createElementNS("http://www.w3.org/2000/svg", name)
      : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
    one.append(...children);
    return one;
  };
  window.symbols = (text) =>
    text.split(/([A-Za-z])_([A-Za-z0-9]+)/).map((part, k) =>
      k % 3 === 2 ? make("sub", {}, part) : part);
  window.slider = (label, low, high, value, said, changed) => {
    const input = make("input", { type: "range", min: low, max: high, step: 1, value });
    const output = make("output", {}, said(value));
    input.addEventListener("input", () => {
      output.textContent = said(Number(input.value));
      changed(Number(input.value));
    });
    return make("label", { class: "slider" }, make("span", {}, ...symbols(label)), input, output);
  };
  window.written = (value) => {
    if (value === 0) return "0";
    if (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5)
      return String(Number(value.toPrecision(3))).replace("-", "−");
    const raised = (digits) => [...digits].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("");
    const [mantissa, power] = value.toExponential(1).split("e");
    return `${mantissa.replace("-", "−")}×10${raised(power.replace("+", ""))}`;
  };
})();
