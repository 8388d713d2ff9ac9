"use strict";
// Where traces come from: blocks in this file, unpacked when they are asked for, or the server that sent the page.

const served = document.body.dataset.source === "server";

// Lines of JSON: parts, of which each may point to earlier ones by number, and at last the value itself.
function readLines(text) {
  const parts = [];
  const joined = (_name, value) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
    if (Object.hasOwn(value, "§")) return parts[value["§"]];
    for (const name of Object.keys(value).filter((one) => one.startsWith("§§"))) {
      value[name.slice(1)] = value[name];
      delete value[name];
    }
    return value;
  };
  for (const line of text.split("\n")) parts.push(line.includes("§") ? JSON.parse(line, joined) : JSON.parse(line));
  return parts.pop();
}

async function unpacked(id) {
  const letters = atob(byId(id).textContent.trim());
  const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return readLines(await new Response(stream).text());
}

async function fetched(path, options) {
  const response = await fetch(path, options);
  const text = await response.text();
  if (!response.ok) throw new Error(text || `${response.status} ${response.statusText}`);
  return readLines(text);
}

const RECENT = 8;
const recent = new Map();

const source = {
  rows: () => (served ? fetched("api/traces") : unpacked("rows")),
  // The requests in which all of the words were asked, said or found: their ids, and the rows of those that are older
  // than the list. Only a server has the words of all runs at hand.
  search: async (words, before, signal) => (await fetched(`api/search?${new URLSearchParams({ q: words, ...(before ? { before } : {}) })}`, { signal }))[0],
  // The last few traces stay unpacked; the page never holds all of them.
  async trace(id) {
    if (!recent.has(id)) {
      recent.set(id, await (served ? fetched(`api/traces/${encodeURIComponent(id)}`) : unpacked(`trace-${id}`)));
      if (recent.size > RECENT) recent.delete(recent.keys().next().value);
    }
    return recent.get(id);
  },
};
