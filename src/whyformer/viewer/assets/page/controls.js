// The text, the settings of the search, and the buttons above them.
import {button, html} from "./dom.js";
import {setting} from "./numbers.js";
import {flip, isOff, toggle, whyButton} from "./switches.js";
import {explained, noteOf} from "./terms.js";
import {say} from "./words.js";

const RANGES = { beam: [1, 12, 1], lengthPenalty: [0, 2, 0.1], temperature: [0.1, 2, 0.1] };

export function slider(app, pane, name) {
  const [min, max, step] = RANGES[name];
  const id = `${name}-${pane.number}-${app.place}`;
  const value = pane.chosen[name];
  const shown = html("output", { for: id }, setting(value, step));
  return html("div", { class: "slider" },
    html("label", { for: id }, explained(say(`setting.${name}`))),
    html("input", { id, type: "range", min, max, step, value, "data-key": id, oninput: (event) => {
      shown.textContent = setting(Number(event.target.value), step);
      app.change(() => (pane.chosen[name] = Number(event.target.value)));
    } }),
    shown,
    whyButton(app, pane, name, `${id}?`),
  );
}

export function drawSettings(app, pane) {
  const generates = ["translate", "language"].includes(pane.description.task);
  if (!generates) return null;
  const { sample } = pane.chosen;
  const choice = html("label", { class: "check" }, html("input", { type: "checkbox", checked: sample, "data-key": `sample-${pane.number}`, onchange: (event) => app.change(() => (pane.chosen.sample = event.target.checked)) }), " ", say("setting.sample"));
  const again = button(`again-${pane.number}`, say("sample_again"), () => app.change(() => (pane.chosen.seed += 1)), { class: "quiet" });
  const sliders = sample ? ["temperature"] : ["beam", "lengthPenalty"];
  return html("div", { class: "settings" }, sliders.map((name) => slider(app, pane, name)), html("p", { class: "row" }, choice, sample ? again : null));
}

// A button that switches a part of the whole model. Its note explains the part, if it is in the glossary.
function pill(app, pane, name, off) {
  const { onclick: show, ...note } = ["scale", "skip"].includes(name) ? noteOf(name, say(`without.${name}`)) : {};
  const press = (event) => {
    show?.(event);
    flip(app, pane, name);
  };
  return button(`${pane.number}:without:${name}`, html("span", show ? { class: "term" } : {}, say(`without.${name}`)), press, { class: "pill", "aria-pressed": String(off), ...note });
}

// The three questions that need only one click.
export function drawExperiments(app, pane) {
  const names = ["scale", "positions", "skip"].filter((name) => pane.description.switches.includes(name));
  if (!names.length) return null;
  const without = names.map((name) => {
    const off = isOff(pane, name);
    return html("span", { class: "with-why" }, pill(app, pane, name, off), whyButton(app, pane, name, `${pane.number}:without:${name}?`));
  });
  return html("div", { class: "experiments" }, html("span", { class: "soft" }, say("without")), without);
}

export function drawExamples(app, pane) {
  if (!pane.examples.length) return null;
  return html("p", { class: "examples" }, html("span", { class: "soft" }, say("try")), pane.examples.map((text) => button(`${pane.number}:example:${text}`, text, () => app.setText(pane, text), { class: "link" })));
}

// The switches that belong to no box of the drawing.
export function drawToggles(app, pane) {
  const names = ["scale", "positions", "skip", "decoder.input_feeding"].filter((name) => pane.description.switches.includes(name));
  return names.length ? html("p", { class: "row toggles" }, names.map((name) => toggle(app, pane, name, say(`part.${name.split(".").at(-1)}`), { key: `${pane.number}:whole:${name}`, why: true }))) : null;
}
