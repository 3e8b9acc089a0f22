// Start the page: read what is embedded, open the models in the worker, draw.
import {calm, makeApp, runAll} from "./app.js";
import {count, megabytes} from "./numbers.js";
import {decoded, startWorker, warmUp} from "./engine.js";
import {drawPage} from "./layout.js";
import {markEdges, watchEdges} from "./edges.js";
import {toFragment} from "./state.js";
import {hideTip, moveTip} from "./tip.js";
import {explained, fillGlossary} from "./terms.js";
import {summaryOf} from "./summary.js";
import {lightLinks} from "./links.js";
import {either, language, loadWords, say, speak} from "./words.js";

function embedded(id) {
  const element = document.getElementById(id);
  return element ? element.textContent : null;
}

async function openModels(ask) {
  const models = [];
  for (let k = 0; embedded(`manifest-${k}`) !== null; k += 1) {
    const manifest = JSON.parse(embedded(`manifest-${k}`));
    const weights = await decoded(embedded(`weights-${k}`));
    const bytes = weights.byteLength;
    document.getElementById(`weights-${k}`).remove(); // the worker holds the weights from here on
    const description = await ask("open", { model: k, manifest, weights }, [weights]);
    models.push({ manifest, description, bytes });
  }
  return models;
}

function paintWords(app) {
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  for (const element of document.querySelectorAll("[data-say-label]")) element.setAttribute("aria-label", say(element.dataset.sayLabel));
  const names = app.models.map((one) => one.description.name);
  const { description, bytes } = app.models[0];
  document.getElementById("name").textContent = names.join(" · ");
  document.title = say("document_title", { name: names.join(", ") });
  const facts = [app.models.length > 1 ? null : summaryOf(description), description.parameters ? say("parameters", { count: count(description.parameters) }) : null, megabytes(bytes)];
  document.getElementById("facts").replaceChildren(...explained(facts.filter(Boolean).join(" · ")));
  paintAbout(app.models.length > 1 ? null : description);
  fillGlossary(document.getElementById("glossary"));
  document.getElementById("language").textContent = language() === "ko" ? "English" : "한국어";
  document.getElementById("language").lang = language() === "ko" ? "en" : "ko";
  document.getElementById("compare").setAttribute("aria-pressed", String(app.panes.length > 1));
}

// What the model does. A description of the user's own is shown as it is, in the language of its author.
function paintAbout(description) {
  const about = document.getElementById("about");
  const own = description?.purpose ? "" : description?.description ?? "";
  about.lang = own ? (/[가-힣]/.test(own) ? "ko" : "en") : language();
  if (!description) about.textContent = "";
  else about.textContent = own ? own.replace(/[^.!?]$/, "$&.") : either(description.purpose) || say(`purpose.${description.task}`);
}

function paintTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

function isDark() {
  return (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
}

function connect(app, repaint) {
  const click = (id, act) => document.getElementById(id).addEventListener("click", act);
  click("language", () => app.change(() => (app.state.language = language() === "ko" ? "en" : "ko"), { run: false }));
  click("theme", () => app.change(() => (app.state.theme = isDark() ? "light" : "dark"), { run: false }));
  click("compare", () => app.compare(app.panes.length < 2));
  click("copy", async () => {
    const address = `${location.href.split("#")[0]}#${toFragment(app.state)}`;
    try {
      await navigator.clipboard.writeText(address);
    } catch {
      prompt(say("copy_by_hand"), address); // a page opened from the disk may not use the clipboard
    }
    const status = document.getElementById("status");
    status.textContent = say(location.protocol === "file:" ? "copied_file" : "copied");
    status.classList.toggle("seen", location.protocol === "file:");
    const label = document.querySelector("#copy span");
    label.textContent = say("copied");
    setTimeout(() => (label.textContent = say("copy_link")), 2000);
    setTimeout(() => status.classList.remove("seen"), 9000);
  });
  addEventListener("hashchange", () => app.restore(location.hash));
  watchEdges();
  addEventListener("scroll", moveTip, { passive: true, capture: true });
  addEventListener("pointerdown", hideTip, { capture: true }); // what is touched may show its note after this
  addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) repaint();
    width = innerWidth;
  });
  const why = document.getElementById("why");
  why.addEventListener("click", (event) => event.target === why && why.close());
}

async function start() {
  loadWords(JSON.parse(embedded("words")));
  const preferred = navigator.language.startsWith("ko") ? "ko" : "en";
  speak(new URLSearchParams(location.hash.slice(1)).get("lang") ?? preferred);
  const waiting = document.getElementById("answer-wait");
  waiting.textContent = say("loading");
  const ask = startWorker(embedded("engine"));
  try {
    const models = await openModels(ask);
    const app = makeApp({ models, ask, lessons: JSON.parse(embedded("lessons")), draw: () => repaint(), light: (pane, query) => {
      for (const cell of document.querySelectorAll(`[data-pane="${pane.number}"]`)) lightLinks(cell, query);
    } });
    function repaint() {
      speak(app.state.language ?? preferred);
      paintTheme(app.state.theme);
      drawPage(app);
      paintWords(app);
      markEdges();
    }
    waiting.remove();
    document.body.classList.add("ready");
    connect(app, repaint);
    repaint();
    runAll(app, repaint);
    warmUp(models.map((_, model) => (tokens) => ask("warm", { model, tokens })), () => app.isIdle() && !ask.isBusy());
    if (window === window.top && !calm() && matchMedia("(hover: hover)").matches) document.querySelector("textarea")?.focus({ preventScroll: true });
  } catch (error) {
    waiting.textContent = `${say("failed")} ${error.message}`;
  }
}

start();
