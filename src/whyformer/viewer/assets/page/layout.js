// The parts of the page: the text and the answer of each pane, and the levels below them.
import {drawAnswer} from "./answer.js";
import {drawBeam} from "./tree.js";
import {drawExamples, drawExperiments, drawSettings, drawToggles} from "./controls.js";
import {drawFigure} from "./figure.js";
import {drawHeads} from "./heads.js";
import {drawLens} from "./lens.js";
import {drawOpenBox} from "./box.js";
import {drawSteps} from "./steps.js";
import {drawStream} from "./stream.js";
import {comparedText, markedText} from "./compared.js";
import {button, html, redraw} from "./dom.js";
import {offBar} from "./switches.js";
import {picture} from "./saving.js";
import {SECTIONS} from "./state.js";
import {explained} from "./terms.js";
import {unknownLine} from "./unknown.js";
import {say} from "./words.js";

const BESIDE = 640; // from this width in pixels, two panes stand side by side
const DRAW = { figure: figureLevel, heads: drawHeads, steps: drawSteps, beam: drawBeam, lens: drawLens, stream: drawStream };

// Which levels a model has.
export function levelsOf(app) {
  const { family, task } = app.panes[0].description;
  const recurrent = family.startsWith("rnn");
  const writes = ["translate", "language"].includes(task);
  const small = document.body.classList.contains("is-small"); // a page in a report: input, answer, attention
  if (small) return family === "rnn-lm" ? [] : ["heads"];
  const absent = { steps: !writes, beam: !writes, lens: recurrent, heads: family === "rnn-lm" };
  return SECTIONS.filter((name) => !absent[name]);
}

export function drawPage(app) {
  document.body.classList.toggle("comparing", app.panes.length > 1);
  drawPanes(app);
  drawLevels(app);
  const bars = app.panes.map((pane) => offBar(app, pane)).filter(Boolean);
  const dock = document.getElementById("dock");
  redraw(dock, ...bars);
  dock.hidden = !bars.length;
}

function drawPanes(app) {
  const place = document.getElementById("panes");
  while (place.children.length > app.panes.length) place.lastChild.remove();
  app.panes.forEach((pane, k) => {
    if (place.children[k]?.dataset.model !== String(pane.chosen.model)) {
      const made = makePane(app, pane);
      if (place.children[k]) place.children[k].replaceWith(made);
      else place.append(made);
    }
    updatePane(app, pane, place.children[k]);
  });
}

function makePane(app, pane) {
  const id = `text-${pane.number}`;
  const pairs = ["classify", "regress", "masked"].includes(pane.description.task);
  const area = (name, key) => html("textarea", { id: name === "text" ? id : `${id}-${name}`, rows: 1, spellcheck: "false", autocapitalize: "off", autocomplete: "off", "data-field": name, "aria-label": say(key), placeholder: say(key), oninput: (event) => {
    fit(event.target);
    app.change(() => Object.assign(pane.chosen, { [name]: event.target.value, forced: [] }), { typing: true });
  } });
  return html("div", { class: "pane", "data-model": pane.chosen.model },
    html("p", { class: "pane-name" }),
    html("div", { class: "entry" }, area("text", `placeholder.${pane.description.task}`), pairs ? area("second", "placeholder.second") : null),
    html("div", { class: "below-entry" }),
    html("div", { class: "answer", "aria-live": "polite" }),
    html("div", { class: "try" }),
    html("details", { class: "search" }, html("summary", {}), html("div", {})),
  );
}

function updatePane(app, pane, place) {
  const [name, entry, below, answer, experiments, search] = place.children;
  name.textContent = app.panes.length > 1 ? `${"AB"[pane.number]} · ${pane.description.name}` : "";
  name.hidden = app.panes.length < 2;
  for (const area of entry.children) {
    const key = area.dataset.field === "second" ? "placeholder.second" : `placeholder.${pane.description.task}`;
    area.setAttribute("aria-label", say(key));
    area.placeholder = say(key);
    area.hidden = area.dataset.field === "second" && !pane.chosen.second && !pane.paired;
    if (area.value !== pane.chosen[area.dataset.field]) area.value = pane.chosen[area.dataset.field];
    fit(area);
  }
  app.place = "entry";
  redraw(below, comparedText(app, pane), unknownLine(pane), drawExamples(app, pane), entry.lastChild.hidden ? addSecond(app, pane, entry.lastChild) : null);
  const parts = [drawAnswer(app, pane)].flat(Infinity).filter(Boolean);
  const beside = parts.filter((one) => one.classList.contains("alternatives"));
  redraw(answer, html("div", {}, parts.filter((one) => !beside.includes(one))), beside.length ? html("div", { class: "beside" }, beside) : null);
  redraw(experiments, drawExperiments(app, pane));
  const settings = drawSettings(app, pane);
  search.hidden = !settings;
  search.firstChild.textContent = say("search_settings");
  if (!search.contains(document.activeElement) || document.activeElement.type !== "range") redraw(search.lastChild, settings);
}

// Some models read two texts. The second field appears when it is asked for.
function addSecond(app, pane, area) {
  return button(`${pane.number}:second`, say("add_second"), () => {
    pane.paired = true;
    drawPage(app);
    area.focus();
  }, { class: "quiet" });
}

// A text area as high as its text.
function fit(area) {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}

function drawLevels(app) {
  const place = document.getElementById("levels");
  const levels = levelsOf(app);
  if (place.dataset.levels !== levels.join()) {
    place.replaceChildren(...levels.map((name) => makeLevel(app, name)));
    place.dataset.levels = levels.join();
  }
  levels.forEach((name, k) => updateLevel(app, name, place.children[k], k));
}

function makeLevel(app, name) {
  return html("section", { class: "level", id: `level-${name}`, "aria-labelledby": `title-${name}` },
    html("h2", {}, html("button", { type: "button", id: `title-${name}`, "aria-controls": `body-${name}`, onclick: () => app.open(name) },
      html("span", { class: "number", "aria-hidden": "true" }), html("span", { class: "title" }), html("i", { class: "chevron", "aria-hidden": "true" }))),
    html("p", { class: "sentence" }),
    html("div", { class: "body", id: `body-${name}` }),
  );
}

function updateLevel(app, name, section, k) {
  const [head, sentence, body] = section.children;
  const open = app.state.open.includes(name);
  head.firstChild.setAttribute("aria-expanded", String(open));
  head.querySelector(".number").textContent = String(k + 2);
  const key = name === "stream" && app.panes[0].description.settings.cell ? "states" : name;
  head.querySelector(".title").textContent = say(`level.${key}`);
  redraw(sentence, ...explained(say(`level.${key}.sentence`)));
  section.classList.toggle("is-open", open);
  body.hidden = !open;
  if (!open) return body.replaceChildren();
  if (body.contains(document.activeElement) && document.activeElement.type === "range" && app.sliding) return undefined;
  app.place = name;
  return redraw(body, app.panes.map((pane) => html("div", { class: "cell", "data-pane": pane.number },
    app.panes.length > 1 ? html("p", { class: "pane-name" }, `${"AB"[pane.number]} · `, markedText(app, pane)) : null,
    pane.result && !pane.error ? DRAW[name](app, pane) : html("p", { class: "soft" }, pane.error ?? say("type_something")))));
}

// Figure 1 beside the opened box.
function figureLevel(app, pane) {
  const all = document.getElementById("levels").clientWidth;
  const beside = app.panes.length > 1 && all >= BESIDE;
  const width = Math.max(340, Math.min(beside ? all / 2 - 24 : all, beside ? 520 : 640));
  const drawing = drawFigure(app, pane, width);
  return html("div", { class: `figure-level${app.state.box ? " with-box" : ""}` },
    html("div", {}, drawToggles(app, pane), picture(drawing, { key: `${pane.number}:figure`, caption: say("figure_caption", { name: pane.description.name, text: pane.chosen.text.slice(0, 60) }) })),
    app.state.box ? drawOpenBox(app, pane) : html("p", { class: "hint" }, explained(say("figure_hint"))),
  );
}
