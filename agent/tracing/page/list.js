"use strict";
// All requests: search, filters, order, and a line for each.

const COLUMNS = [
  { name: "query", title: "Request" },
  { name: "user", title: "User" },
  { name: "model", title: "Model" },
  { name: "runs", title: "Runs", figure: true },
  { name: "tokens", title: "Tokens", figure: true, value: (row) => (row.tokens ? row.tokens.total : null) },
  { name: "cost", title: "Cost", figure: true, value: (row) => (row.tokens ? row.tokens.cost : null) },
  { name: "mark", title: "Score", figure: true, value: (row) => row.score },
  { name: "ms", title: "Took", figure: true },
  { name: "at", title: "When", figure: true },
];
const SPANS = [["", "any time"], [3600e3, "the last hour"], [86400e3, "the last day"], [7 * 86400e3, "the last 7 days"], [30 * 86400e3, "the last 30 days"]];
const SAID = [["", "any feedback"], ["some", "with feedback"], ["good", "scored 0.5 or more"], ["bad", "scored less than 0.5"]];
const FULL = 10000; // requests, as the server lists them
const PAUSE = 120; // milliseconds without a key before the server is asked

// Whether what people said of the answer is of this kind.
function saidOf(row, kind) {
  if (kind === "some") return row.score !== null || Boolean(row.comment);
  return row.score !== null && (kind === "good") === (row.score >= 0.5);
}

// What a row is found by while nobody has searched its runs.
function noteWords(row) {
  row.words = [row.query, row.user, row.model, row.error, row.comment, row.id].join("\n").toLowerCase();
}

class List {
  constructor(open) {
    this.open = open;
    this.all = [];
    this.shown = [];
    this.order = { name: "at", down: true };
    const changed = () => this.filter();
    this.older = [];
    this.found = null;
    const where = served ? "Search all that was asked, said and found" : "Search requests, users, models, errors, comments";
    this.search = h("input", { type: "search", placeholder: `${where}   ( / )`, "aria-label": "Search", oninput: () => this.seek() });
    this.state = h("select", { "aria-label": "Outcome", onchange: changed });
    this.model = h("select", { "aria-label": "Model", onchange: changed });
    this.since = h("select", { "aria-label": "When", onchange: changed }, SPANS.map(([ms, title]) => h("option", { value: ms }, title)));
    this.feedback = h("select", { "aria-label": "Feedback", onchange: changed }, SAID.map(([kind, title]) => h("option", { value: kind }, title)));
    this.slow = h("input", { type: "number", min: 0, step: "any", placeholder: "0", "aria-label": "Slower than, in seconds", oninput: changed });
    this.clear = h("button", { class: "plain", hidden: true, onclick: () => this.reset() }, "Clear filters");
    this.said = h("p", { class: "said", role: "status" });
    this.heads = h("div", { class: "list-row heads" });
    this.rows = new Rows({
      name: "requests", role: "listbox", label: "Requests", height: () => (narrow.matches ? 60 : 36),
      draw: (place) => this.line(this.shown[place]),
      chosen: (place, how) => { if (how === "open") this.open(this.shown[place].id); },
    });
    byId("list").append(
      h("div", { class: "filters" }, this.search, this.state, this.model, this.feedback, this.since, h("label", { class: "slow" }, "slower than", this.slow, "s"), this.clear),
      this.said, this.heads, this.rows.element,
    );
  }

  async load() {
    this.all = await source.rows();
    this.all.forEach(noteWords);
    this.feedback.hidden = !this.all.some((row) => saidOf(row, "some"));
    byId("list").classList.toggle("judged", !this.feedback.hidden);
    this.fillSelect(this.state, "any outcome", outcome);
    this.fillSelect(this.model, "any model", (row) => row.model);
    await this.seek(0);
  }

  // Filters by what the list holds at once, and by what a server finds in all runs as soon as it says so.
  async seek(pause = PAUSE) {
    if (this.asking) this.asking.abort();
    this.asking = this.found = null;
    this.older = [];
    const words = this.search.value.trim();
    this.filter();
    if (!served || !words) return;
    const asking = this.asking = new AbortController();
    this.said.textContent += " · searching all runs …";
    await new Promise((done) => { setTimeout(done, pause); });
    if (asking.signal.aborted) return;
    try {
      const oldest = this.all.length >= FULL ? Math.floor(this.all[this.all.length - 1].at) : "";
      const { ids, older } = await source.search(words, oldest, asking.signal);
      if (asking.signal.aborted) return;
      this.found = new Set(ids);
      this.older = older;
      older.forEach(noteWords);
      this.filter();
    } catch (error) {
      if (!asking.signal.aborted) this.said.textContent = `The runs could not be searched: ${error.message}`;
    }
  }

  fillSelect(select, any, value) {
    const counts = new Map();
    for (const row of this.all) counts.set(value(row), (counts.get(value(row)) || 0) + 1);
    const kept = select.value;
    const options = [...counts].sort((a, b) => b[1] - a[1]).map(([name, n]) => h("option", { value: name }, `${name} (${figure(n)})`));
    select.replaceChildren(h("option", { value: "" }, any), ...options);
    select.value = counts.has(kept) ? kept : "";
  }

  reset() {
    for (const field of [this.search, this.state, this.model, this.feedback, this.since, this.slow]) field.value = "";
    this.seek();
  }

  filter() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const now = served ? Date.now() : Number(document.body.dataset.written);
    const since = this.since.value ? now - Number(this.since.value) : -Infinity;
    const slow = this.slow.value ? Number(this.slow.value) * 1000 : -1;
    const kept = [...this.all, ...this.older].filter((row) =>
      (!this.state.value || outcome(row) === this.state.value) && (!this.model.value || row.model === this.model.value) &&
      (!this.feedback.value || saidOf(row, this.feedback.value)) && row.at >= since && row.ms > slow &&
      ((this.found && this.found.has(row.id)) || words.every((word) => row.words.includes(word))));
    const column = COLUMNS.find((one) => one.name === this.order.name);
    const value = column.value || ((row) => row[column.name]);
    const down = this.order.down ? -1 : 1;
    // What has no value comes last, whichever way the others go.
    kept.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === null || x === undefined || y === null || y === undefined) return (x === null || x === undefined) - (y === null || y === undefined);
      return down * (typeof x === "string" ? x.localeCompare(y) : x - y);
    });
    this.shown = kept;
    this.clear.hidden = ![this.search, this.state, this.model, this.feedback, this.since, this.slow].some((field) => field.value);
    this.tell();
    this.drawHeads();
    this.rows.element.scrollTop = 0;
    this.rows.fill(kept.length, 0);
  }

  tell() {
    const times = this.shown.map((row) => row.ms).sort((a, b) => a - b);
    this.scale = times.length ? times[Math.floor(0.95 * (times.length - 1))] : 1;
    const many = (word) => this.shown.filter((row) => outcome(row) === word).length;
    const cost = this.shown.reduce((sum, row) => sum + ((row.tokens && row.tokens.cost) || 0), 0);
    const parts = [this.shown.length === this.all.length ? count(this.all.length, "request") : `${figure(this.shown.length)} of ${count(this.all.length, "request")}`];
    if (many("failed")) parts.push(`${figure(many("failed"))} failed`);
    if (many("fallback")) parts.push(`${figure(many("fallback"))} answered by the fallback`);
    if (times.length) parts.push(`half of them in ${duration(times[Math.floor((times.length - 1) / 2)])} or less`);
    if (cost) parts.push(dollars(cost));
    const scores = this.shown.map((row) => row.score).filter((score) => score !== null);
    if (scores.length) parts.push(`${figure(scores.length)} scored, ${scored(scores.reduce((a, b) => a + b) / scores.length)} on average`);
    this.said.textContent = this.all.length ? parts.join(" · ") : "No traces yet. Ask something: recmind recommend \"a western\"";
  }

  drawHeads() {
    const heads = COLUMNS.map(({ name, title, figure: right }) => {
      const here = this.order.name === name;
      return h("button", {
        class: `plain ${name} ${right ? "figure" : ""}`, "aria-pressed": here, title: `Order by ${title.toLowerCase()}`,
        onclick: () => { this.order = { name, down: here ? !this.order.down : Boolean(right) }; this.filter(); },
      }, title, here && h("span", { class: "way" }, this.order.down ? " ↓" : " ↑"));
    });
    this.heads.replaceChildren(h("span"), ...heads);
  }

  line(row) {
    return h("div", { class: "list-row" },
      dot(outcome(row)),
      h("span", { class: "query", title: row.query }, row.query || h("em", {}, "(empty)"), row.error && h("span", { class: "error" }, ` ${row.error}`), row.comment && h("span", { class: "comment" }, ` “${row.comment}”`)),
      h("span", { class: "user" }, row.user || "–"),
      h("span", { class: "model", title: row.model }, row.model),
      h("span", { class: "runs figure" }, figure(row.runs)),
      h("span", { class: "tokens figure" }, row.tokens && figure(row.tokens.total)),
      h("span", { class: "cost figure" }, row.tokens && dollars(row.tokens.cost)),
      h("span", { class: "mark figure", title: row.comment }, row.score === null ? row.comment && "✎" : scored(row.score)),
      h("span", { class: "ms figure" }, share(row.ms / this.scale, row.ms > this.scale ? "beyond" : ""), duration(row.ms)),
      h("time", { class: "at figure", datetime: new Date(row.at).toISOString() }, moment(row.at)),
    );
  }
}
