"use strict";
// One trace: what was asked, where the time went, the tree, and the tabs about the run that is selected.

class Trace {
  constructor() {
    this.tab = { ...FIRST_TAB };
    this.head = h("header", { class: "trace-head" });
    this.tree = new Tree((run) => this.select(run));
    this.tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "What to see" });
    this.panel = h("div", { class: "panel", role: "tabpanel", id: "panel", tabindex: 0 });
    byId("trace").append(this.head, h("div", { class: "split" }, this.tree.element, h("div", { class: "side" }, this.tabs, this.panel)));
  }

  // run: the place of the run to select; tab: the name of the tab to open it with.
  async open(id, run = 0, tab = "") {
    this.id = id;
    byId("trace").setAttribute("aria-busy", true);
    try {
      const details = await source.trace(id);
      if (this.id !== id) return;
      this.details = details;
      this.drawHead();
      byId("trace").classList.remove("broken");
      this.tree.fill(details, details.runs[run]);
      const selected = this.tree.selected();
      if (PANELS.some((one) => one.name === tab)) this.tab[kindOf(selected)] = tab;
      this.select(selected);
    } catch (error) {
      this.details = null;
      byId("trace").classList.add("broken");
      this.head.replaceChildren(h("h1", {}, "This trace cannot be shown"), h("p", { class: "error" }, error.message));
    } finally {
      byId("trace").removeAttribute("aria-busy");
    }
  }

  drawHead() {
    const { trace, answer, runs } = this.details;
    const ended = answer.question ? "asked the person back" : outcome(trace) === "fallback" ? "answered by the fallback" : outcome(trace);
    const [models, tools] = ["model", "tool"].map((kind) => runs.filter((run) => run.kind === kind));
    const spent = { model: underWay(runs, "model"), tool: underWay(runs, "tool") };
    const all = Math.max(trace.ms, spent.model + spent.tool, 0.001);
    const parts = [["model", spent.model, "models"], ["tool", spent.tool, "look-ups"], ["step", all - spent.model - spent.tool, "all else"]].filter(([, ms]) => ms > 0);
    const tokens = trace.tokens;
    this.head.replaceChildren(
      h("h1", {}, dot(outcome(trace)), trace.query || h("em", {}, "(an empty request)")),
      h("p", { class: "meta" }, [ended, duration(trace.ms), count(models.length, "model call"), count(tools.length, "look-up"),
        tokens && tokens.total ? `${figure(tokens.read || 0)} → ${figure(tokens.written || 0)} tokens` : "", tokens ? dollars(tokens.cost) : "",
        trace.user ? `user ${trace.user}` : "no user", trace.model, moment(trace.at), trace.score === null ? "" : `scored ${scored(trace.score)}`].filter(Boolean).map((text) => h("span", {}, text))),
      h("div", { class: "strip", role: "img", "aria-label": parts.map(([, ms, name]) => `${name} ${duration(ms)}`).join(", ") },
        parts.map(([kind, ms]) => h("span", { class: kind, style: { "flex-grow": ms / all } }))),
      h("p", { class: "legend", "aria-hidden": "true" }, parts.map(([kind, ms, name]) => h("span", {}, h("span", { class: `glyph ${kind}` }, GLYPHS[kind]), ` ${name} ${duration(ms)}`))),
    );
  }

  select(run) {
    this.run = run;
    this.draw();
  }

  show(name) {
    this.tab[kindOf(this.run)] = name;
    this.draw();
  }

  draw() {
    const now = this.tab[kindOf(this.run)];
    this.tabs.replaceChildren(...PANELS.map(({ name, title, many }, place) => h("button", {
      role: "tab", id: `tab-${name}`, "aria-selected": name === now, "aria-controls": "panel", tabindex: name === now ? 0 : -1,
      title: `${title} (${place + 1})`, onclick: () => this.show(name),
    }, title, many && many(this.details) > 0 && h("span", { class: "many" }, many(this.details)))));
    const panel = PANELS.find((one) => one.name === now);
    this.panel.setAttribute("aria-labelledby", `tab-${now}`);
    const select = (run, keep = false) => {
      if (keep) this.tab[kindOf(run)] = now;
      this.tree.arrange(run);
      this.select(this.tree.selected());
    };
    this.panel.replaceChildren(...[panel.draw({ details: this.details, run: this.run, select })].flat(Infinity).filter(Boolean));
    this.panel.scrollTop = 0;
    history.replaceState(null, "", `#${this.id}/${this.run.place}/${now}`);
  }

  // Whether the key meant something here.
  key(event) {
    if (!this.details) return false;
    const names = PANELS.map((one) => one.name);
    const now = names.indexOf(this.tab[kindOf(this.run)]);
    const onTabs = this.tabs.contains(document.activeElement);
    const step = { "]": 1, "[": -1, ...(onTabs ? { ArrowRight: 1, ArrowLeft: -1 } : {}) }[event.key];
    if (event.key >= "1" && event.key <= String(names.length)) this.show(names[event.key - 1]);
    else if (step) {
      this.show(names[(now + step + names.length) % names.length]);
    } else if (this.panel.contains(document.activeElement) && event.key.length > 1) return false;
    else return this.tree.key(event);
    if (onTabs) this.tabs.querySelector("[aria-selected=true]").focus();
    return true;
  }
}
