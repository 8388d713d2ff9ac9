"use strict";
// A list of any length of which only the rows in sight exist. One row is selected; the keys move it.

class Rows {
  // name: of the element; role, label: for those who listen; draw(place) fills a row; chosen(place, how) is told of a
  // selection ("move") and of a click or Enter ("open").
  constructor({ name, role, label, draw, chosen, height }) {
    Object.assign(this, { name, draw, chosen, height, total: 0, at: -1, first: 0, last: -1 });
    this.itemRole = role === "tree" ? "treeitem" : "option";
    this.inner = h("div", { class: "rows-inner", role: "presentation" });
    this.element = h("div", { class: "rows", id: name, role, tabindex: 0, "aria-label": label }, this.inner);
    this.element.addEventListener("scroll", () => this.show(), { passive: true });
    this.inner.addEventListener("click", (event) => {
      const row = event.target.closest("[data-place]");
      if (row) this.select(Number(row.dataset.place), event.target.closest("[data-act]") ? event.target.closest("[data-act]").dataset.act : "open");
    });
    new ResizeObserver(() => this.show(true)).observe(this.element);
  }

  fill(total, at = this.at) {
    this.total = total;
    this.at = total ? clamp(at, 0, total - 1) : -1;
    this.show(true);
  }

  show(anew = false) {
    const height = this.height();
    const top = this.element.scrollTop;
    const room = Math.ceil(this.element.clientHeight / height);
    const begin = Math.max(0, Math.floor(top / height) - 8);
    const end = Math.min(this.total - 1, Math.floor(top / height) + room + 8);
    const covered = begin >= this.first && end <= this.last;
    if (!anew && covered) return;
    // Twice the need, so that most scrolling draws nothing.
    this.first = Math.max(0, begin - room);
    this.last = Math.min(this.total - 1, end + room);
    this.inner.style.setProperty("height", `${this.total * height}px`);
    const rows = [];
    for (let place = this.first; place <= this.last; place++) {
      const row = this.draw(place);
      row.id = `${this.name}-${place}`;
      row.dataset.place = place;
      row.setAttribute("role", this.itemRole);
      row.setAttribute("aria-setsize", this.total);
      row.setAttribute("aria-posinset", place + 1);
      row.setAttribute("aria-selected", place === this.at);
      row.style.setProperty("top", `${place * height}px`);
      rows.push(row);
    }
    this.inner.replaceChildren(...rows);
    this.tell();
  }

  tell() {
    if (this.at >= this.first && this.at <= this.last) this.element.setAttribute("aria-activedescendant", `${this.name}-${this.at}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  select(place, how = "move") {
    if (!this.total) return;
    const before = byId(`${this.name}-${this.at}`);
    if (before) before.setAttribute("aria-selected", false);
    this.at = clamp(place, 0, this.total - 1);
    this.reveal();
    const now = byId(`${this.name}-${this.at}`);
    if (now) now.setAttribute("aria-selected", true);
    this.tell();
    this.chosen(this.at, how);
  }

  reveal() {
    const height = this.height();
    const top = this.at * height;
    const sight = this.element.clientHeight;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (top + height > this.element.scrollTop + sight) this.element.scrollTop = top + height - sight;
    this.show();
  }

  // Whether the key was one that moves.
  key(event) {
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.height()) - 1);
    const moves = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (!(event.key in moves)) return false;
    this.select(this.at + moves[event.key]);
    return true;
  }
}
