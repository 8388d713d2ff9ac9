"use strict";
// What is on the screen, and what the keys do.

const KEYS = [
  ["↓ ↑ j k", "the next or previous request, or run"], ["Enter", "open the request"], ["Escape", "back to all requests"],
  ["n p", "the next or previous request, from within one"], ["→ ←", "unfold, fold; to the first run below, to the one above"],
  ["1 – 7  [ ]", "the tabs"], ["z", "stretch the time line over the selected run, and back"], ["s", "show or hide steps that only chose where to go next"],
  ["/", "search"], ["r", "read the list again, where a server has it"], ["t", "light, dark, or as the system has it"], ["?", "this"],
];
const THEMES = ["system", "light", "dark"];

const trace = new Trace();
const list = new List((id) => { location.hash = id; });

async function go() {
  const [id, run, tab] = location.hash.slice(1).split("/");
  const one = list.all.length === 1 && !served;
  const wanted = id || (one ? list.all[0].id : "");
  byId("home").disabled = one;
  byId("list").hidden = Boolean(wanted);
  byId("trace").hidden = !wanted;
  if (!wanted) {
    list.rows.show(true);
    list.rows.element.focus();
    document.title = "RecMind traces";
    return;
  }
  if (wanted === trace.id && trace.details) return;
  const place = list.shown.findIndex((row) => row.id === wanted);
  if (place >= 0) list.rows.select(place);
  await trace.open(wanted, Number(run) || 0, tab);
  document.title = trace.details ? `${trace.details.trace.query || "(empty)"} · RecMind trace` : "RecMind traces";
  trace.tree.rows.element.focus({ preventScroll: true });
}

function home() {
  trace.id = null;
  if (!byId("home").disabled) location.hash = "";
}

function neighbour(step) {
  const place = list.shown.findIndex((row) => row.id === trace.id) + step;
  if (list.shown[place]) location.hash = list.shown[place].id;
}

function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  byId("theme").textContent = { system: "Theme: system", light: "Theme: light", dark: "Theme: dark" }[theme];
  // A file that may keep nothing still has both themes.
  try { localStorage.setItem("recmind-theme", theme); } catch { }
}

function nextTheme() {
  setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme || "system") + 1) % THEMES.length]);
}

function keptTheme() {
  try { return localStorage.getItem("recmind-theme") || "system"; } catch { return "system"; }
}

async function refresh() {
  recent.clear();
  await list.load();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  const inList = byId("trace").hidden;
  const typing = event.target.matches("input, select, textarea");
  if (event.key === "Escape") {
    if (typing && event.target.value) { event.target.value = ""; event.target.dispatchEvent(new Event("input")); }
    else if (typing) (inList ? list : trace.tree).rows.element.focus();
    else if (!inList) home();
  } else if (typing) {
    if (inList && event.target === list.search && event.key === "Enter" && list.shown.length) list.open(list.shown[0].id);
    else if (inList && event.target === list.search && event.key === "ArrowDown") list.rows.element.focus();
    else return;
  } else if (event.key === "?") byId("help").showModal();
  else if (event.key === "t") nextTheme();
  else if (event.key === "r" && served) refresh();
  else if (event.key === "/") {
    const field = inList ? list.search : trace.panel.querySelector("input[type=search]");
    if (!field) return;
    field.focus();
  } else if (inList) {
    const onButton = event.target.matches("button");
    if (event.key === "Enter" && !onButton && list.shown.length) list.open(list.shown[list.rows.at].id);
    else if (!list.rows.key(event)) return;
  } else if (event.key === "n" || event.key === "p") neighbour(event.key === "n" ? 1 : -1);
  else if (event.key === "Backspace") home();
  else if (!trace.key(event)) return;
  event.preventDefault();
});

byId("help").append(h("h2", { id: "help-title" }, "What the keys do"), h("dl", { class: "facts" }, KEYS.map(([keys, what]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, what)])),
  h("form", { method: "dialog" }, h("button", { class: "plain" }, "Close")));
byId("home").addEventListener("click", home);
byId("theme").addEventListener("click", nextTheme);
byId("keys").addEventListener("click", () => byId("help").showModal());
byId("refresh").hidden = !served;
byId("refresh").addEventListener("click", refresh);
addEventListener("hashchange", go);
setTheme(keptTheme());

list.load().then(go, (error) => {
  byId("list").hidden = false;
  byId("list").replaceChildren(h("p", { class: "notice error" }, `The list of traces cannot be read: ${error.message}`));
});
