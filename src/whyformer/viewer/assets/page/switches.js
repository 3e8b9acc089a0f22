// Switches for parts of the model, and what the laboratory has measured about each of them.
import {button, html} from "./dom.js";
import {kindOf, partName} from "./names.js";
import {isZero, nats} from "./numbers.js";
import {explained} from "./terms.js";
import {either, language, say} from "./words.js";

export function isOff(pane, name) {
  const covers = (one) => one === name || name.startsWith(`${one}.`) || (["skip", "positions"].includes(one) && name.endsWith(`.${one}`));
  return pane.chosen.off.some(covers);
}

export function canSwitch(pane, name) {
  return pane.description.switches.includes(name);
}

export function flip(app, pane, name) {
  app.change(() => {
    const off = pane.chosen.off;
    pane.chosen.off = off.includes(name) ? off.filter((one) => one !== name) : [...off, name];
  });
}

// A switch with its name. `key` is its place on the page.
export function toggle(app, pane, name, label, { key = `${pane.number}:${name}`, why = false } = {}) {
  if (!canSwitch(pane, name)) return null;
  const inside = isOff(pane, name) && !pane.chosen.off.includes(name);
  const control = button(key, [html("i", { class: "knob", "aria-hidden": "true" }), html("span", {}, label)], () => flip(app, pane, name), {
    class: "toggle", role: "switch", "aria-checked": String(!isOff(pane, name)), disabled: inside,
  });
  return why ? html("span", { class: "with-why" }, control, whyButton(app, pane, name, `${key}?`)) : control;
}

export function whyButton(app, pane, name, key) {
  const kind = kindOf(name);
  const lesson = app.lessons[`${kind}.${pane.description.settings[kind]}`] ?? app.lessons[kind];
  if (!lesson) return null;
  return button(key, say("why"), () => openWhy(lesson), { class: "why", "aria-haspopup": "dialog", "aria-label": say("why_about", { part: say(`kind.${kind}`) }) });
}

function openWhy(lesson) {
  const dialog = document.getElementById("why");
  dialog.replaceChildren(
    html("header", {}, html("p", { class: "eyebrow" }, say(lesson.nearest ? "why_nearest" : "why_title")), html("button", { type: "button", class: "quiet square", onclick: () => dialog.close(), autofocus: true, "aria-label": say("close") }, "×")),
    html("h2", { id: "why-title" }, either(lesson.question)),
    ...lesson.claims.map(claim),
    lesson.trained ? html("p", {}, say("why_trained")) : "",
    lesson.pages ? html("p", { class: "more" }, say("why_more"), " ", html("a", { href: `${lesson.pages}/${lesson.name}${language() === "ko" ? ".ko" : ""}.html` }, either(lesson.question))) : "",
    html("p", { class: "soft more" }, say("why_command"), " ", html("code", {}, `whyformer lab show ${lesson.name}`)),
  );
  dialog.showModal();
}

// A claim, its verdict, and where it holds.
function claim({ claim: text, verdict, words, where }) {
  const everywhere = { supported: "why_everywhere", refuted: "why_nowhere" }[verdict];
  const places = where.map((place) => html("li", {}, html("b", {}, either(place.result)), " ", either(place.names)));
  return html("blockquote", {}, html("p", {}, either(text)),
    html("p", { class: "judged" }, html("b", { class: `verdict ${verdict}` }, either(words)), places.length || !everywhere ? null : html("span", { class: "soft" }, say(everywhere))),
    places.length ? html("ul", { class: "soft" }, places) : null);
}

// The bar at the bottom of the window: what is off, and what that changed.
export function offBar(app, pane) {
  const { off } = pane.chosen;
  if (!off.length) return null;
  const change = pane.result?.change?.logProbabilityOfBaseline;
  const chips = off.map((name) =>
    html("li", {}, button(`${pane.number}:chip:${name}`, [partName(name, pane.description), html("span", { class: "cross", "aria-hidden": "true" }, "×")], () => flip(app, pane, name), { class: "chip", "aria-label": say("switch_on_again", { part: partName(name, pane.description) }) }), whyButton(app, pane, name, `${pane.number}:chip:${name}?`)),
  );
  return html("div", { class: "off" },
    html("p", {}, html("b", {}, app.panes.length > 1 ? `${"AB"[pane.number]} · ${say("off")}` : say("off"))),
    html("ul", { class: "chips" }, chips),
    Number.isFinite(change) ? html("p", { class: "effect" }, explained(say(isZero(change) ? "effect_none" : change < 0 ? "effect_less" : "effect_more", { nats: nats(Math.abs(change), false) }))) : null,
    button(`${pane.number}:all-on`, say("all_on"), () => app.change(() => (pane.chosen.off = [])), { class: "quiet" }),
  );
}
