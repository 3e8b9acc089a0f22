// Save a drawing as SVG or PNG, with its caption below it.
import {html, svg} from "./dom.js";
import {textWidth} from "./heat.js";
import {explained} from "./terms.js";
import {say} from "./words.js";

const KEPT = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "opacity", "font-size", "font-family", "font-weight", "text-anchor", "dominant-baseline", "visibility", "display"];

// A drawing with its caption and the two buttons that save it.
export function picture(drawing, { key, caption, wide = false, tall = false, tools = null }) {
  const save = (kind) => html("button", { type: "button", class: "save", "data-key": `${key}:${kind}`, onclick: () => saveAs(drawing, caption, kind), "aria-label": say("save_as", { kind: kind.toUpperCase(), caption }) }, kind.toUpperCase());
  const scroll = html("div", wide || tall ? { class: `scroll${tall ? " tall" : ""}`, tabindex: 0, role: "region", "aria-label": caption, "data-scroll": true } : { class: "scroll" }, drawing);
  return html("figure", { class: "picture" }, scroll, html("figcaption", {}, html("span", {}, explained(caption)), html("span", { class: "tools" }, tools, html("span", { class: "soft" }, say("save")), save("svg"), save("png"))));
}

// The drawing as one SVG text whose styles no longer depend on the page.
export function standalone(drawing, caption) {
  const copy = drawing.cloneNode(true);
  const before = [drawing, ...drawing.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((one, k) => {
    const style = getComputedStyle(before[k]);
    for (const name of KEPT) {
      const value = style.getPropertyValue(name);
      if (value) one.style.setProperty(name, value);
    }
    for (const name of ["tabindex", "role", "data-key", "class", "aria-label"]) one.removeAttribute(name);
  });
  const [, , width, height] = drawing.getAttribute("viewBox").split(" ").map(Number);
  const page = getComputedStyle(document.body);
  const lines = wrapped(caption, width - 16, 12);
  const below = 14 + lines.length * 17;
  copy.prepend(svg("rect", { x: 0, y: 0, width, height: height + below, fill: page.backgroundColor }));
  lines.forEach((line, k) => copy.append(svg("text", { x: 8, y: height + 16 + k * 17, style: `font: 12px ${page.fontFamily}; fill: ${page.color}` }, line)));
  copy.setAttribute("viewBox", `0 0 ${width} ${height + below}`);
  copy.setAttribute("width", width);
  copy.setAttribute("height", height + below);
  copy.removeAttribute("style");
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return { text: new XMLSerializer().serializeToString(copy), width, height: height + below };
}

function wrapped(text, width, size) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (textWidth(longer, size) > width && lines.at(-1)) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

async function saveAs(drawing, caption, kind) {
  const { text, width, height } = standalone(drawing, caption);
  const blob = new Blob([text], { type: "image/svg+xml" });
  download(kind === "svg" ? blob : await asPng(text, width, height), `${fileName(caption)}.${kind}`);
}

function asPng(text, width, height) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      const scale = Math.min(3, 8000 / width, 8000 / height);
      canvas.width = width * scale;
      canvas.height = height * scale;
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(resolve, "image/png");
    };
    image.onerror = reject;
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  });
}

function download(blob, name) {
  const address = URL.createObjectURL(blob);
  html("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

function fileName(caption) {
  return caption.split(/[.:]/)[0].trim().replaceAll(/[^\p{L}\p{N}]+/gu, "-").slice(0, 50).toLowerCase() || "picture";
}
