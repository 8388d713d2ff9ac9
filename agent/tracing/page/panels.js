"use strict";
// What the tabs show of a trace and of the run that is selected.

const FATES = { recommended: "recommended", rejected: "rejected", "passed over": "passed over", reference: "reference" };

const PANELS = [
  { name: "answer", title: "Answer", draw: answerPanel },
  { name: "prompt", title: "Prompt", draw: promptPanel },
  { name: "messages", title: "Messages", draw: messagesPanel },
  { name: "rows", title: "Tool rows", draw: rowsPanel },
  { name: "slate", title: "Slate", draw: slatePanel, many: (details) => details.slate.length },
  { name: "validation", title: "Validation", draw: validationPanel, many: (details) => details.verdicts.reduce((n, one) => n + one.problems.length + one.repairs.length, 0) },
  { name: "raw", title: "Raw", draw: rawPanel },
];

// Which tab a run opens with, until a person chooses another for runs of its kind.
const FIRST_TAB = { model: "messages", tool: "rows", act: "slate", validate: "validation", repair: "validation", step: "answer" };
const kindOf = (run) => (run.kind === "step" && run.name in FIRST_TAB ? run.name : run.kind);

// The model call that the selected run is, belongs to, or comes after.
function modelCall(details, run) {
  const calls = details.runs.filter((one) => one.kind === "model");
  return calls.find((one) => one === run) || calls.find((one) => isWithin(details, one, run) && run.parent !== null) ||
    calls.filter((one) => one.at <= run.at && run.parent !== null).pop() || calls[0];
}

function isWithin(details, run, above) {
  for (let one = run; one; one = one.parent === null ? null : details.runs[one.parent]) if (one === above) return true;
  return false;
}

// Which model call is shown, and ways to those before and after it.
function callHead(details, call, select, ...told) {
  const calls = details.runs.filter((one) => one.kind === "model");
  const place = calls.indexOf(call);
  const way = (step, sign, title) => h("button", { class: "plain", title, disabled: !calls[place + step], onclick: () => select(calls[place + step], true) }, sign);
  return h("p", { class: "muted" }, `Model call ${place + 1} of ${calls.length}: ${call.name}`, told, calls.length > 1 && [way(-1, "◂", "The call before"), way(1, "▸", "The next call")]);
}

const failure = (error) => h("pre", { class: "text error" }, error);

// What people said of an item, or of the whole answer.
function feedbackList(feedback, itemId) {
  return feedback.filter((one) => one.item_id === itemId).map((one) => h("p", { class: "feedback" },
    one.score !== null && chip(scored(one.score), one.score >= 0.5 ? "recommended" : "rejected"), one.comment && h("span", {}, `“${one.comment}”`),
    h("time", { class: "muted", datetime: new Date(one.at).toISOString() }, moment(one.at))));
}

function answerPanel({ details }) {
  const { trace, answer, asked, feedback } = details;
  const listed = new Set(answer.chosen.map((one) => one.item_id));
  const elsewhere = [...new Set(feedback.map((one) => one.item_id))].filter((id) => id !== null && !listed.has(id));
  const whole = feedbackList(feedback, null);
  const factsBy = new Map(details.slate.flatMap((one) => one.evidence.map(([n, , text]) => [n, text])));
  const items = answer.chosen.map((one, place) => h("li", {},
    h("div", { class: "item-head" }, h("span", { class: "rank" }, place + 1), h("strong", {}, one.title || one.item_id),
      h("span", { class: "muted" }, one.item_id), typeof one.score === "number" && h("span", { class: "figure" }, scored(one.score))),
    h("p", {}, one.reason),
    h("p", { class: "chips" }, (one.cites || []).filter((n) => factsBy.has(n)).map((n) => chip(factsBy.get(n)))), feedbackList(feedback, one.item_id)));
  const request = Object.entries(asked).filter(([name]) => !["query", "user_id", "model"].includes(name));
  return [
    trace.error && section("Error", failure(details.runs[0].error || trace.error)),
    answer.cause && section("Why the fallback answered", h("p", {}, answer.cause)),
    answer.question && section("Asked the person back", h("p", { class: "message" }, answer.question)),
    answer.message && h("p", { class: "message" }, answer.message),
    items.length ? h("ol", { class: "items" }, items) : !answer.question && nothing("No recommendations were kept with this trace."),
    (whole.length > 0 || elsewhere.length > 0) && section("What people said of it", whole, elsewhere.map((id) => [h("h4", {}, id), feedbackList(feedback, id)])),
    section("The request", facts([["asked", trace.query || "(empty)"], ["user", trace.user || "(none)"], ["model", trace.model],
      ["when", moment(trace.at)], ["took", duration(trace.ms)],
      ["tokens", trace.tokens && trace.tokens.total ? `${figure(trace.tokens.read || 0)} read, ${figure(trace.tokens.written || 0)} written` : null],
      ["cost", trace.tokens && dollars(trace.tokens.cost)], ...request.map(([name, value]) => [name, jsonView(value)]), ["trace", trace.id]])),
  ];
}

function promptPanel({ details, run, select }) {
  const call = modelCall(details, run);
  if (!call) return nothing("No model was asked.");
  const system = call.read.filter((one) => one.role === "system");
  const settings = Object.entries(call.raw.extra.invocation_params || {}).filter(([name, value]) => name !== "tools" && value !== null);
  return [
    callHead(details, call, select),
    system.length ? system.map((one) => h("pre", { class: "text" }, one.text)) : nothing("This call had no system message."),
    call.offered.length > 0 && section(`Tools on offer (${call.offered.length})`, call.offered.map(offeredTool)),
    settings.length > 0 && section("Settings", facts(settings.map(([name, value]) => [name, jsonView(value)]))),
  ];
}

function offeredTool(tool) {
  const told = tool.function || tool;
  return h("details", { class: "card" }, h("summary", {}, h("code", {}, told.name || "?")), h("p", { class: "text" }, told.description), jsonView(told.parameters || told));
}

function messagesPanel({ details, run, select }) {
  const call = modelCall(details, run);
  if (!call) return nothing("No model was asked.");
  const calls = details.runs.filter((one) => one.kind === "model");
  const before = calls[calls.indexOf(call) - 1];
  // Only what the call before had not read is open; the system message has a tab of its own.
  const known = before ? before.read.length : 1;
  return [
    callHead(details, call, select, `, read ${count(call.read.length, "message")}`,
      call.tokens && call.tokens.total ? `, ${figure(call.tokens.read)} → ${figure(call.tokens.written)} tokens` : "",
      call.first_token_ms ? `, first token after ${duration(call.first_token_ms)}` : ""),
    call.error && failure(call.error),
    call.read.map((one, place) => messageCard(one, place >= known)),
    h("h3", {}, "Reply"),
    call.said.length ? call.said.map((one) => messageCard(one, true)) : nothing("No reply was kept."),
  ];
}

function messageCard(message, open) {
  const parts = [
    message.text && h("pre", { class: "text" }, message.text),
    message.calls.map((call) => h("div", { class: "call" }, h("code", {}, call.name), jsonView(call.arguments, 2))),
    message.unreadable > 0 && h("p", { class: "error" }, `${count(message.unreadable, "call")} could not be read.`),
  ];
  const brief = message.text.split("\n").find(Boolean) || message.calls.map((call) => call.name).join(", ");
  return h("details", { class: `card message ${message.role} ${message.failed ? "failed" : ""}`, open },
    h("summary", {}, h("span", { class: "role" }, message.role), message.name && h("code", {}, message.name), h("span", { class: "brief" }, brief)), parts);
}

function rowsPanel({ details, run }) {
  const all = details.runs.filter((one) => one.kind === "tool");
  const within = all.filter((one) => isWithin(details, one, run));
  const shown = within.length ? within : all;
  if (!shown.length) return nothing("Nothing was looked up.");
  const handles = new Map(details.slate.map((one) => [one.item_id, one]));
  return shown.map((one) => {
    const { found } = one;
    const more = found.total - found.rows.length;
    const body = [
      facts(Object.entries(one.arguments).map(([name, value]) => [name, jsonView(value)])),
      one.error && failure(one.error),
      found.text && h("pre", { class: "text" }, found.text),
      found.rows.length > 0 && h("div", { class: "scroll" }, h("table", {},
        heads(["", "Item and what speaks for it", "Scores"]),
        h("tbody", {}, found.rows.map((row, place) => h("tr", {},
          h("td", { class: "rank" }, place + 1),
          h("td", { class: "item" }, itemCell(row.title || row.item_id, row.summary, handles.get(row.item_id)),
            evidenceList((row.evidence || []).map((fact) => ["", fact.kind, fact.text]))),
          h("td", {}, scoresCell(row.scores || {}))))))),
      more > 0 && h("p", { class: "muted" }, `${count(more, "more row", "more rows")} not kept.`),
    ];
    return h("details", { class: "card", open: shown.length < 4 || one === shown[0] },
      h("summary", {}, h("code", {}, one.name), h("span", { class: "brief" }, found.rows.length ? count(found.total, "row") : found.text), h("span", { class: "figure" }, duration(one.ms))), body);
  });
}

function itemCell(title, summary, entry) {
  return [h("strong", {}, title), entry && h("span", { class: "handle" }, entry.handle), entry && entry.rank && chip(`#${entry.rank}`, "recommended"), summary && h("div", { class: "muted" }, summary)];
}

function scoresCell(scores) {
  return Object.entries(scores).map(([name, value]) => h("div", { class: "score" }, h("span", {}, name), share(value), h("span", { class: "figure" }, scored(value))));
}

const heads = (titles) => h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col" }, title))));
const FACTS_SHOWN = 4;

function evidenceList(evidence) {
  const told = evidence.map(([n, kind, text]) => h("li", { class: `kind ${kind}`, title: kind }, n && h("span", { class: "handle" }, `e${n}`), text));
  const list = h("ul", { class: "evidence" }, told.slice(0, FACTS_SHOWN));
  const rest = told.slice(FACTS_SHOWN);
  if (rest.length) {
    const more = h("li", {}, h("button", { class: "plain", onclick: () => more.replaceWith(...rest) }, `${rest.length} more`));
    list.append(more);
  }
  return list;
}

const ENTRIES_SHOWN = 100;

function slatePanel({ details, select }) {
  if (!details.slate.length) return nothing("No slate was kept with this trace.");
  const steps = details.growth.map((step) => h("button", { class: "plain step", onclick: () => select(details.runs[step.run]) },
    h("strong", {}, `+${step.added.length}`), ` ${details.runs[step.run].name}`, h("span", { class: "muted" }, ` → ${step.total}`)));
  const words = h("input", { type: "search", placeholder: "Item, tool or fact", "aria-label": "Search the slate" });
  const fates = Object.keys(FATES).filter((fate) => details.slate.some((one) => one.fate === fate));
  const fate = h("select", { "aria-label": "What became of it" }, h("option", { value: "" }, "all entries"),
    fates.map((one) => h("option", { value: one }, `${one} (${details.slate.filter((entry) => entry.fate === one).length})`)));
  const body = h("tbody");
  const rest = h("p", { class: "muted" });
  const draw = (most) => {
    const wanted = words.value.toLowerCase();
    const kept = details.slate.filter((one) => (!fate.value || one.fate === fate.value) &&
      [one.handle, one.title, one.summary, ...one.tools, ...one.evidence.map(([, , text]) => text)].join("\n").toLowerCase().includes(wanted));
    body.replaceChildren(...kept.slice(0, most).map(slateRow));
    rest.replaceChildren();
    if (kept.length > most) rest.append(`${figure(kept.length - most)} more. `, h("button", { class: "plain", onclick: () => draw(Infinity) }, "Show all"));
    else if (!kept.length) rest.append("Nothing matches.");
  };
  words.oninput = fate.onchange = () => draw(ENTRIES_SHOWN);
  draw(ENTRIES_SHOWN);
  return [
    steps.length > 0 && h("div", { class: "steps" }, steps),
    h("div", { class: "filters" }, words, fate),
    h("div", { class: "scroll" }, h("table", {}, heads(["Entry and what speaks for it", "Became, and found by", "Scores"]), body)),
    rest,
  ];
}

function slateRow(one) {
  return h("tr", { class: one.fate.replace(" ", "-") },
    h("td", { class: "item" }, itemCell(one.title || one.item_id, one.summary, { handle: one.handle }), evidenceList(one.evidence)),
    h("td", {}, chip(one.rank ? `#${one.rank}` : one.fate, one.fate.replace(" ", "-")), one.remarks.map((text) => h("p", { class: "remark" }, text)),
      one.tools.map((tool) => h("div", {}, h("code", {}, tool)))),
    h("td", {}, scoresCell(one.scores)));
}

function validationPanel({ details, select }) {
  const { verdicts, answer } = details;
  if (!verdicts.length) return nothing("Nothing was checked: the request ended before.");
  const list = (title, sentences, kind) => sentences.length > 0 && [h("h4", {}, title), h("ul", { class: kind }, sentences.map((text) => h("li", {}, text)))];
  return [
    answer.cause && section("Why the fallback answered", h("p", {}, answer.cause)),
    verdicts.map((one, place) => section(h("button", { class: "plain", onclick: () => select(details.runs[one.run]) }, `Check ${place + 1}`),
      h("p", { class: "chips" }, chip(`${one.passed} passed`, one.problems.length ? "" : "recommended"), one.problems.length > 0 && chip(count(one.problems.length, "problem"), "rejected"), one.repairs.length > 0 && chip(count(one.repairs.length, "repair"), "fallback")),
      list("Sent back to the model", one.problems, "problems"),
      list("Mended without the model", one.repairs, "repairs"),
      list("Conditions that the model gave up", one.dropped, "problems"),
      !one.problems.length && !one.repairs.length && !one.dropped.length && h("p", { class: "muted" }, "Every item and every reason held."))),
  ];
}

function rawPanel({ run }) {
  const copy = h("button", { class: "plain", onclick: async () => {
    await navigator.clipboard.writeText(JSON.stringify(run.raw, null, 2));
    copy.textContent = "Copied";
  } }, "Copy as JSON");
  return [h("p", { class: "muted" }, `${run.name} · ${run.id} `, copy), run.error && failure(run.error), jsonView(run.raw, 2)];
}
