"use strict";
// JSON to look through: what is nested opens when it is asked for.

const PARTS_SHOWN = 200;

function jsonView(value, open = 0) {
  if (typeof value === "string") return h("span", { class: "json-text" }, value);
  if (value === null || typeof value !== "object") return h("span", { class: "json-plain" }, String(value));
  const entries = Object.entries(value);
  if (!entries.length) return h("span", { class: "json-plain" }, Array.isArray(value) ? "[]" : "{}");
  const short = entries.every(([, part]) => part === null || typeof part !== "object") ? JSON.stringify(value) : "";
  if (short && short.length <= 60) return h("span", { class: "json-text" }, Array.isArray(value) ? entries.map(([, part]) => (typeof part === "string" ? part : JSON.stringify(part))).join(", ") : short);
  const size = Array.isArray(value) ? count(entries.length, "element") : count(entries.length, "field");
  const box = h("details", { class: "json", open: open > 0 }, h("summary", {}, size));
  const fill = () => {
    if (box.childElementCount > 1) return;
    const rest = entries.length - PARTS_SHOWN;
    box.append(h("dl", {}, entries.slice(0, PARTS_SHOWN).map(([name, part]) => [h("dt", {}, name), h("dd", {}, jsonView(part, open - 1))])));
    if (rest > 0) box.append(h("p", { class: "muted" }, `… (${figure(rest)} more)`));
  };
  if (open > 0) fill();
  else box.addEventListener("toggle", fill, { once: true });
  return box;
}
