"use strict";

/** An element with attributes and children; text is always text. */
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in made && typeof value !== "string") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function resolve(specification, thing) {
  if (!thing || !thing.$ref) return thing;
  return thing.$ref.slice(2).split("/").reduce((found, key) => found[key], specification);
}

function pretty(value) {
  return JSON.stringify(value, null, 2);
}

function table(titles, rows) {
  const head = element("tr", {}, ...titles.map((title) => element("th", {}, title)));
  return element("table", {}, head, ...rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, cell)))));
}

function kindOf(schema) {
  const kind = [].concat(schema.type || (schema.enum ? "enum" : "any")).join(" or ");
  const choice = schema.enum ? `: ${schema.enum.join(", ")}` : "";
  return kind + (schema.format ? ` (${schema.format})` : "") + choice;
}

function answers(specification, operation) {
  return Object.entries(operation.responses).map(([status, response]) => {
    const found = resolve(specification, response);
    const content = Object.values(found.content || {})[0] || {};
    const box = element("details", {}, element("summary", {}, `${status} ${found.description}`));
    if (content.example !== undefined) box.append(element("pre", {}, pretty(content.example)));
    if (content.schema) box.append(element("pre", {}, pretty(resolve(specification, content.schema))));
    return box;
  });
}

async function send(method, path, inputs, body, out) {
  const headers = {};
  const token = document.getElementById("token").value;
  if (token) headers.Authorization = `Bearer ${token}`;
  const query = new URLSearchParams();
  let target = path;
  for (const { parameter, input } of inputs) {
    if (!input.value) continue;
    if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    if (parameter.in === "query") query.set(parameter.name, input.value);
    if (parameter.in === "header") headers[parameter.name] = input.value;
  }
  if (body) headers["Content-Type"] = "application/json";
  if (query.size) target += `?${query}`;
  out.textContent = "…";
  try {
    const response = await fetch(target, { method, headers, body: body ? body.value : undefined, credentials: "omit" });
    const text = await response.text();
    let shown = text;
    try { shown = pretty(JSON.parse(text)); } catch { /* not JSON: shown as it is */ }
    out.textContent = `${response.status} ${response.statusText}\n${[...response.headers].map((pair) => pair.join(": ")).join("\n")}\n\n${shown}`;
  } catch (error) {
    out.textContent = String(error);
  }
}

function describe(specification, path, method, operation) {
  const box = element("details", { class: "operation" },
    element("summary", {}, element("span", { class: "method" }, method.toUpperCase()), element("code", {}, path), operation.summary));
  box.dataset.text = `${method} ${path} ${operation.summary}`.toLowerCase();
  if (operation["x-permission"]) box.append(element("p", {}, "Needs ", element("code", {}, operation["x-permission"])));
  const inputs = operation.parameters.map((parameter) => ({ parameter, input: element("input", { "aria-label": parameter.name }) }));
  if (inputs.length) {
    box.append(table(["parameter", "in", "kind", "meaning", "value"], inputs.map(({ parameter, input }) =>
      [parameter.name, parameter.in, kindOf(parameter.schema), parameter.description || "", input])));
  }
  let body = null;
  if (operation.requestBody) {
    const content = operation.requestBody.content["application/json"];
    body = element("textarea", { spellcheck: "false", "aria-label": "body" });
    body.value = pretty(content.example);
    box.append(body, element("details", {}, element("summary", {}, "schema of the body"), element("pre", {}, pretty(resolve(specification, content.schema)))));
  }
  const out = element("pre", {});
  const button = element("button", { type: "button" }, "Send");
  button.addEventListener("click", () => send(method.toUpperCase(), path, inputs, body, out));
  box.append(button, out, ...answers(specification, operation));
  return box;
}

async function show() {
  const specification = await (await fetch("/openapi.json")).json();
  document.getElementById("about").textContent = `${specification.info.version}: ${specification.info.description}`;
  const sections = new Map();
  for (const [path, item] of Object.entries(specification.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const tag = operation.tags[0];
      if (!sections.has(tag)) sections.set(tag, element("section", {}, element("h2", {}, tag)));
      sections.get(tag).append(describe(specification, path, method, operation));
    }
  }
  document.getElementById("operations").replaceChildren(...sections.values());
  document.getElementById("filter").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const box of document.querySelectorAll(".operation")) box.hidden = !box.dataset.text.includes(wanted);
  });
}

show();
