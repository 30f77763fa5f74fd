"use strict";
// The page itself: data, elements, tables, and what comes to life when it is scrolled to. Texts become text nodes, never HTML.
const page = (() => {
  const read = name => JSON.parse(document.getElementById(`data-${name}`).textContent);
  const find = id => document.getElementById(id);
  const settings = read("page");
  const scripts = {};

  function make(tag, attributes = {}, ...children) {
    const svg = ["svg", "g", "rect", "text", "line", "path", "circle", "title"].includes(tag);
    const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children.filter(child => child !== null));
    return element;
  }

  const options = (select, entries) => select.replaceChildren(...entries.map(([value, text]) => make("option", { value }, text)));

  // Calls `act` when `element` comes near what is seen, once.
  function seen(element, act) {
    const observer = new IntersectionObserver(entries => {
      if (entries.some(entry => entry.isIntersecting)) {
        observer.disconnect();
        act();
      }
    }, { rootMargin: "300px" });
    observer.observe(element);
  }

  function number(value, digits = 4) {
    if (value === null) return "";
    const size = Math.abs(value);
    return size > 0 && size < 1e-3 ? value.toExponential(1) : Number(value.toPrecision(digits)).toString();
  }
  const share = value => value > 0 && value < 0.0005 ? "< 0.1 %" : value < 1 && value > 0.9995 ? "> 99.9 %" : `${number(100 * value, 3)} %`;

  // A part of a text in any case; * stands for anything.
  function pattern(text) {
    const parts = text.trim().split("*").map(part => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(parts.join(".*"), "is");
  }

  // Controls keep their values when the page loads itself again.
  const memory = `gameplan ${location.pathname}`;
  function remember() {
    const values = {};
    for (const control of document.querySelectorAll("input[id], select[id]"))
      values[control.id] = control.type === "checkbox" ? control.checked : control.value;
    try { sessionStorage.setItem(memory, JSON.stringify(values)); } catch { /* not kept then */ }
  }
  function remembered() {
    try { return JSON.parse(sessionStorage.getItem(memory)) || {}; } catch { return {}; }
  }
  function restore(root, values) {
    for (const control of root.querySelectorAll("input[id], select[id]")) {
      if (!(control.id in values)) continue;
      const value = values[control.id];
      if (control.type === "checkbox") control.checked = value;
      else if (control.tagName !== "SELECT" || [...control.options].some(option => option.value === value)) control.value = value;
      else continue;
      control.dispatchEvent(new Event("change"));
    }
  }

  function begin() {
    const values = settings.again ? remembered() : {};
    for (const name of settings.sections) {
      const root = find(name);
      seen(root, () => {
        scripts[name](root, read(name));
        restore(root, values);
      });
    }
    if (!settings.again) return;
    let touched = 0;
    for (const kind of ["input", "keydown", "pointerdown"]) addEventListener(kind, () => { touched = Date.now(); });
    setInterval(() => {
      if (Date.now() - touched < 3000) return;  // whoever is at work is not disturbed
      remember();
      location.reload();
    }, 1000 * settings.again);
  }

  return { read, find, make, options, seen, number, share, pattern, settings, scripts, begin };
})();
addEventListener("DOMContentLoaded", page.begin);
