"use strict";
// Elements and the words for figures. Text becomes text nodes and attributes only: nothing is ever read as HTML.

function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || (value === false && !name.startsWith("aria-"))) continue;
    if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

const narrow = matchMedia("(max-width: 52rem)");
const byId = (id) => document.getElementById(id);
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

function duration(ms) {
  if (ms === null || ms === undefined) return "unfinished";
  if (ms >= 60000) return `${Math.floor(ms / 60000)} min ${Math.floor((ms % 60000) / 1000)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return ms >= 10 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(1)} ms`;
}

function moment(at) {
  const two = (n) => String(n).padStart(2, "0");
  const d = new Date(at);
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  return `${day} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

const figure = (n) => (n === null || n === undefined ? "" : n.toLocaleString("en"));
const count = (n, one, many = `${one}s`) => `${figure(n)} ${n === 1 ? one : many}`;
const dollars = (cost) => (cost === null || cost === undefined ? "" : `$${cost.toFixed(cost && cost < 0.1 ? 4 : 2)}`);
const scored = (value) => value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);

// What became of a request, in the word that filters and colors share.
function outcome(row) {
  if (row.status === "error") return "failed";
  return row.source === "fallback" ? "fallback" : "answered";
}

const dot = (name) => h("span", { class: `dot ${name}`, title: name, role: "img", "aria-label": name });
const chip = (text, kind = "") => h("span", { class: `chip ${kind}` }, text);
const nothing = (text) => h("p", { class: "nothing" }, text);
const section = (title, ...parts) => h("section", {}, h("h3", {}, title), parts);

// A thin bar for a share of a whole, 0 to 1.
const share = (part, kind = "") => h("span", { class: `share ${kind}`, style: { "--part": clamp(part, 0, 1) } });

function facts(pairs) {
  const told = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: "facts" }, told.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}
