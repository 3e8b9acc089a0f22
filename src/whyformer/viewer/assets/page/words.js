// The words of the page in the chosen language.

let spoken = "en";
let dictionary = {};

export function loadWords(all) {
  dictionary = all;
}

export function speak(language) {
  spoken = language in dictionary ? language : "en";
  document.documentElement.lang = spoken;
}

export function language() {
  return spoken;
}

// A sentence with its values: say("part.head", { number: 3 }).
export function say(key, values = {}) {
  const text = dictionary[spoken]?.[key] ?? dictionary.en?.[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// The terms that the page explains: {name: {forms, meaning}}. The forms are in lower case.
export function glossary() {
  return dictionary[spoken]?.glossary ?? {};
}

// A text of the laboratory, which exists in both languages.
export function either(text) {
  return (text?.[spoken] ?? text?.en ?? "").replaceAll("d_k", "dₖ");
}
