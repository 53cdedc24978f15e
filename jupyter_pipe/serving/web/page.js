// The page of a service: asks /schema once and /status every few seconds. Writes text, never HTML.
"use strict";

const find = (id) => document.getElementById(id);
let schema = null;
let example = -1;

function make(name, options = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

async function ask(path, options = {}) {
  const token = sessionStorage.getItem("token");
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch(path, { ...options, headers });
  if (answer.status === 401) {
    find("entry").hidden = false;
    find("content").hidden = true;
    find("about").textContent = token ? "The token is wrong." : "";
    throw new Error("token");
  }
  return { status: answer.status, said: await answer.json() };
}

// The form

function kindOf(property) {
  return [property.type ?? []].flat().find((kind) => kind !== "null") ?? "";
}

function inputFor(name, property) {
  const id = `column-${name}`;
  const kind = kindOf(property);
  const choices = kind === "boolean" ? [true, false] : (property.enum ?? []).filter((each) => each !== null);
  if (choices.length > 0) {
    const options = choices.map((each) => make("option", { value: JSON.stringify(each) }, String(each)));
    return make("select", { id, name }, make("option", { value: "" }, ""), ...options);
  }
  const isNumber = kind === "integer" || kind === "number";
  return make("input", { id, name, autocomplete: "off", spellcheck: false, inputMode: isNumber ? "decimal" : "text" });
}

function limitsOf(property) {
  const { minimum, maximum } = property;
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  return minimum !== undefined ? `at least ${minimum}` : maximum !== undefined ? `at most ${maximum}` : "";
}

function drawForm() {
  const fields = Object.entries(schema.row.properties).map(([name, property]) => {
    const isOptional = !schema.row.required.includes(name);
    const about = isOptional ? "changes no prediction" : limitsOf(property);
    const label = make("label", { htmlFor: `column-${name}` }, name);
    const field = make("div", { className: isOptional ? "field optional" : "field" }, label, inputFor(name, property));
    field.append(make("small", {}, about));
    return field;
  });
  find("fields").replaceChildren(...fields);
  fillExample();
}

function fillExample() {
  example = (example + 1) % Math.max(schema.examples.length, 1);
  const row = schema.examples[example] ?? {};
  for (const field of find("row").elements) {
    if (!field.name) continue;
    const value = row[field.name];
    const text = value === null || value === undefined ? "" : String(value);
    field.value = field.tagName === "SELECT" && text !== "" ? JSON.stringify(value) : text;
  }
}

function valueOf(field, property) {
  if (field.value === "") return null;
  if (field.tagName === "SELECT") return JSON.parse(field.value);
  const kind = kindOf(property);
  // What is not a number is sent as it is: the service says what is wrong with it.
  if (kind === "integer" || kind === "number") return field.value.trim() === "" || isNaN(field.value) ? field.value : Number(field.value);
  return field.value;
}

function rowOfForm() {
  const row = {};
  for (const field of find("row").elements) {
    if (!field.name) continue;
    const value = valueOf(field, schema.row.properties[field.name]);
    if (value !== null || schema.row.required.includes(field.name)) row[field.name] = value;
  }
  return row;
}

async function predict(event) {
  event.preventDefault();
  for (const field of document.querySelectorAll(".wrong")) field.classList.remove("wrong");
  const { said } = await ask("score", { method: "POST", body: JSON.stringify({ rows: [rowOfForm()] }) });
  if (said.error) {
    const { message, hint, column } = said.error;
    find("answer").replaceChildren(make("div", { className: "bad" }, message), make("div", { className: "quiet" }, hint ?? ""));
    if (column) find(`column-${column}`)?.parentElement.classList.add("wrong");
  } else {
    const value = said.predictions[0];
    const shown = typeof value === "number" ? value.toLocaleString("en", { maximumSignificantDigits: 8 }) : JSON.stringify(value);
    const remarks = (said.remarks ?? []).map((each) => make("div", { className: "warn" }, each.message));
    const about = make("div", { className: "quiet" }, `${schema.predicts}, version ${said.version}`);
    find("answer").replaceChildren(make("b", {}, shown), about, ...remarks);
  }
  await refresh();
}

// What is live

function table(heading, rows, empty) {
  if (rows.length === 0) return make("p", { className: "quiet" }, empty);
  const cell = (kind) => (text, place) => make(kind, { className: place > 0 && place === heading.length - 1 ? "number" : "" }, String(text));
  const head = make("tr", {}, ...heading.map(cell("th")));
  return make("table", {}, head, ...rows.map((row) => make("tr", {}, ...row.map(cell("td")))));
}

function total(counts, what, labels = {}) {
  const fits = (each) => each.what === `${what}_total` && Object.entries(labels).every(([key, value]) => each[key] === value);
  return counts.filter(fits).reduce((sum, each) => sum + each.count, 0);
}

function shareOf(status, role) {
  if (status.mode === "shadow") return role === "challenger" ? "shadow" : "all answers";
  if (status.mode === "") return "all answers";
  const share = role === "challenger" ? status.share : 1 - status.share;
  return `${(100 * share).toFixed(0)} % of the keys`;
}

function drawStatus(status) {
  const { live, counts, problems } = status;
  const first = live.find((each) => each.role === "champion");
  find("name").textContent = first ? first.name : "Predictions";
  document.title = find("name").textContent;
  find("about").textContent = first ? `version ${first.version}, digest ${first.digest.slice(0, 12)}` : "No version is live yet.";
  const told = Object.entries(problems).map(([role, text]) => make("li", {}, `${role}: ${text}`));
  find("problems").replaceChildren(...told);
  find("problems").hidden = told.length === 0;
  const since = (each) => (each.since ? new Date(1000 * each.since).toLocaleString("en-GB") : "");
  const versions = live.map((each) => [each.version, each.role, since(each), shareOf(status, each.role)]);
  find("versions").replaceChildren(table(["Version", "Role", "Since", "Answers"], versions, "None."));
  const figures = [
    ["answered", total(counts, "answers", { status: "200" })],
    ["rows predicted", total(counts, "rows")],
    ["refused", total(counts, "answers") - total(counts, "answers", { status: "200" })],
    ["lost with a worker", total(counts, "lost_requests")],
    ["written to the log", total(counts, "log_lines")],
    ["not written, and counted", total(counts, "log_lost")],
  ];
  for (const version of new Set(counts.filter((each) => each.what === "rows_total").map((each) => each.version))) {
    figures.push([`rows by ${version}`, total(counts, "rows", { version })]);
  }
  if (status.mode === "shadow") figures.push(["rows of which the shadow differs", total(counts, "shadow_differences")]);
  const shown = figures.filter(([name, count], place) => place < 3 || count > 0);
  find("traffic").replaceChildren(table(["Since the service started", "Count"], shown.map(([name, count]) => [name, count.toLocaleString("en")]), ""));
  const refused = counts.filter((each) => each.what === "refusals_total").sort((one, other) => other.count - one.count);
  const rows = refused.map((each) => [each.column || "any", each.rule, each.count.toLocaleString("en")]);
  find("refusals").replaceChildren(table(["Column", "Rule", "Count"], rows, "None."));
}

async function refresh() {
  const { said } = await ask("status");
  drawStatus(said);
  const first = said.live.find((each) => each.role === "champion");
  if (first && (schema === null || schema.digest !== first.digest)) {
    const answer = await ask("schema");
    if (answer.status === 200) {
      schema = answer.said;
      drawForm();
    }
  }
  find("entry").hidden = true;
  find("content").hidden = schema === null;
}

async function keepRefreshing() {
  try {
    await refresh();
  } catch (error) {
    if (error.message !== "token") find("about").textContent = "The service does not answer.";
  }
  setTimeout(keepRefreshing, 5000);
}

find("row").addEventListener("submit", predict);
find("example").addEventListener("click", fillExample);
find("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", find("token").value);
  refresh().catch(() => {});
});
keepRefreshing();
