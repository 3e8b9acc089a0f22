"use strict";
// Tips at charts, the filter of verdicts, and the frame of the live pieces. No request is made.
(() => {
  // hover.js

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

  // On paper nothing can be opened: the rows of the claims are printed open.
  for (const [event, open] of [["beforeprint", true], ["afterprint", false]])
    window.addEventListener(event, () => {
      for (const one of document.querySelectorAll("details.row")) one.open = open;
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
