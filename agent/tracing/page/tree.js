"use strict";
// The runs of a trace as a tree, each with its bar on a common line of time.

const GLYPHS = { model: "◆", tool: "●", step: "○" };
const LABELS = { model: "model call", tool: "look-up", step: "step" };

class Tree {
  constructor(chosen) {
    this.folded = new Set();
    this.routing = false;
    this.axis = h("div", { class: "axis", "aria-hidden": "true" });
    this.rows = new Rows({
      name: "runs", role: "tree", label: "Runs", height: () => 30,
      draw: (place) => this.line(this.shown[place]),
      chosen: (place, how) => {
        if (how === "fold") this.fold(this.shown[place]);
        chosen(this.shown[place]);
      },
    });
    this.element = h("div", { class: "tree" }, this.axis, this.rows.element);
  }

  fill(details, selected) {
    this.runs = details.runs;
    this.folded.clear();
    this.runs.forEach((run, place) => {
      Object.assign(run, { place, children: [], depth: run.parent === null ? 0 : this.runs[run.parent].depth + 1 });
      if (run.parent !== null) this.runs[run.parent].children.push(run);
    });
    this.end = Math.max(details.trace.ms, ...this.runs.map((run) => run.at + (run.ms || 0)), 0.001);
    this.zoom(0, this.end);
    this.arrange(selected);
  }

  arrange(selected = this.selected()) {
    this.shown = [];
    const walk = (run) => {
      this.shown.push(run);
      if (!this.folded.has(run)) this.below(run).forEach(walk);
    };
    walk(this.runs[0]);
    let at = selected;
    // A run that went out of sight leaves the selection to the nearest one above it.
    while (at && !this.shown.includes(at)) at = at.parent === null ? null : this.runs[at.parent];
    this.rows.fill(this.shown.length, Math.max(0, this.shown.indexOf(at)));
    this.rows.reveal();
  }

  // The runs that this one started, as far as they are to be seen.
  below(run) {
    return this.routing ? run.children : run.children.filter((one) => !one.routing);
  }

  selected() {
    return this.shown && this.rows.at >= 0 ? this.shown[this.rows.at] : null;
  }

  fold(run, folded = !this.folded.has(run)) {
    if (!this.below(run).length) return;
    this.folded[folded ? "add" : "delete"](run);
    this.arrange(run);
  }

  zoom(from, to) {
    this.from = from;
    this.to = Math.max(to, from + 0.001);
    const step = niceStep((this.to - this.from) / (narrow.matches ? 2 : 5));
    this.element.style.setProperty("--tick", `${(100 * step) / (this.to - this.from)}%`);
    const ticks = [];
    for (let at = 0; at < this.to - this.from; at += step) {
      const left = (100 * at) / (this.to - this.from);
      if (left < 94) ticks.push(h("span", { style: { left: `${left}%` } }, at || from ? duration(from + at) : "0"));
    }
    this.axis.replaceChildren(h("span", { class: "axis-line" }, ticks));
    if (this.shown) this.rows.show(true);
  }

  // Whether the key meant something here.
  key(event) {
    const run = this.selected();
    if (!run) return false;
    const at = this.rows.at;
    if (event.key === "ArrowRight" || event.key === "l") {
      if (this.folded.has(run)) this.fold(run, false);
      else if (this.shown[at + 1] && this.shown[at + 1].parent === run.place) this.rows.select(at + 1);
    } else if (event.key === "ArrowLeft" || event.key === "h") {
      if (this.below(run).length && !this.folded.has(run)) this.fold(run, true);
      else if (run.parent !== null) this.rows.select(this.shown.indexOf(this.runs[run.parent]));
    } else if (event.key === "z") {
      if (this.from > 0 || this.to < this.end) this.zoom(0, this.end);
      else this.zoom(run.at, run.ms ? run.at + run.ms : this.end);
    } else if (event.key === "s") {
      this.routing = !this.routing;
      this.arrange();
    } else return this.rows.key(event);
    return true;
  }

  // Where the duration stands: after the bar, before it, or at its end where it fills the lane.
  beside(room, left, width) {
    if (room === "after") return { left: `${Math.max(left + width, 0)}%` };
    return { right: room === "before" ? `${100 - Math.min(left, 100)}%` : "0" };
  }

  line(run) {
    const open = this.below(run).length ? !this.folded.has(run) : undefined;
    const span = this.to - this.from;
    const ms = run.ms === null ? this.to - run.at : run.ms;
    const left = (100 * (run.at - this.from)) / span;
    const width = (100 * ms) / span;
    const room = left + width < (narrow.matches ? 66 : 84) ? "after" : left > 18 ? "before" : "within";
    const kind = `${run.kind} ${run.error ? "failed" : ""} ${run.ms === null ? "open" : ""}`;
    return h("div", { class: `run ${run.error ? "failed" : ""}`, "aria-level": run.depth + 1, "aria-expanded": open },
      h("span", { class: "run-name", style: { "--depth": run.depth }, title: run.hint ? `${run.name}\n${run.hint}` : run.name },
        h("span", { class: "twisty", "data-act": open === undefined ? undefined : "fold", "aria-hidden": "true" }, open === undefined ? "" : open ? "▾" : "▸"),
        h("span", { class: `glyph ${run.kind}`, title: LABELS[run.kind], role: "img", "aria-label": LABELS[run.kind] }, GLYPHS[run.kind]),
        h("span", { class: "what" }, run.name), run.hint && h("span", { class: "hint" }, run.hint)),
      h("span", { class: "lane" },
        h("span", { class: `bar ${kind}`, style: { left: `${left}%`, width: `${width}%` } },
          run.first_token_ms > 0 && width > 2 && h("span", { class: "first", title: `first token after ${duration(run.first_token_ms)}`, style: { left: `${(100 * run.first_token_ms) / (run.ms || ms)}%` } })),
        h("span", { class: `took ${room}`, style: this.beside(room, left, width) }, duration(run.ms))));
  }
}

// The next larger of 1, 2 and 5 times a power of ten.
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * [1, 2, 5, 10].find((times) => times * power >= least);
}

// How long at least one run of a kind was under way: runs side by side count once.
function underWay(runs, kind) {
  let [sum, end] = [0, -Infinity];
  for (const run of runs.filter((one) => one.kind === kind && one.ms !== null).sort((a, b) => a.at - b.at)) {
    sum += Math.max(0, run.at + run.ms - Math.max(end, run.at));
    end = Math.max(end, run.at + run.ms);
  }
  return sum;
}
