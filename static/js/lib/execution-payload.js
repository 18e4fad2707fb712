/* From the state of the create form to the body of POST /api/v0/executions/. Pure functions. */

const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

/* "1h 30m" -> 5400; a bare number is seconds; "" -> null. Throws with a readable message. */
export function parseDuration(text) {
  const trimmed = String(text).trim();
  if (!trimmed) return null;
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  const parts = [...trimmed.matchAll(/(\d+(?:\.\d+)?)\s*([smhdw])[a-z]*\s*/gi)];
  if (!parts.length || parts.map((part) => part[0]).join("") !== trimmed) {
    throw new Error("Write a duration such as 90s, 45m or 1h 30m.");
  }
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * UNIT_SECONDS[unit.toLowerCase()], 0);
}

export function formatDurationInput(seconds) {
  if (!seconds) return "";
  let rest = Math.round(seconds);
  const parts = [];
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]]) {
    if (rest >= size) parts.push(`${Math.floor(rest / size)}${unit}`);
    rest %= size;
  }
  return parts.join(" ");
}

export const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

/* What the server gets for one parameter: typed where it can be, else as written, so that the server says what is wrong. */
export function parameterValue(parameter) {
  const { type, kind, value } = parameter;
  if (kind === "flag") return Boolean(value);
  if (kind === "list") return lines(value).map((item) => typed(type, item));
  if (value === "") return type === "string" && parameter.default ? "" : null;
  return typed(type, value);
}

function typed(type, text) {
  const number = Number(text);
  const isNumber = String(text).trim() !== "" && Number.isFinite(number);
  if (type === "integer") return isNumber && Number.isSafeInteger(number) ? number : text;
  if (type === "float") return isNumber ? number : text;
  return text;
}

/* A mistake that needs no server to see, or "". */
export function parameterMistake(parameter) {
  const value = parameterValue(parameter);
  const values = (Array.isArray(value) ? value : [value]).filter((item) => item !== null);
  if (!values.length) {
    return parameter.optional || hasDefault(parameter) ? "" : "This parameter needs a value.";
  }
  if (parameter.type === "integer" || parameter.type === "float") {
    for (const item of values) {
      if (typeof item !== "number") {
        const wanted = parameter.type === "integer" ? "a whole number" : "a number";
        return `“${item}” is not ${wanted}.`;
      }
      if (parameter.type === "integer" && !Number.isInteger(item)) return `“${item}” is not a whole number.`;
      if (parameter.min !== null && item < parameter.min) return `The least is ${parameter.min}.`;
      if (parameter.max !== null && item > parameter.max) return `The most is ${parameter.max}.`;
    }
  }
  return "";
}

const hasDefault = ({ default: value }) => value !== null && value !== undefined && !(Array.isArray(value) && !value.length);

export function inputUris(input) {
  return input.asText ? lines(input.text) : input.rows.map((row) => row.uri.trim()).filter(Boolean);
}

export function inputMistake(input) {
  return input.optional || inputUris(input).length ? "" : "This input needs at least one file.";
}

export const parseVariables = (text) => lines(text).map((line) => {
  const at = line.indexOf("=");
  return at < 0 ? { name: line, value: "" } : { name: line.slice(0, at).trim(), value: line.slice(at + 1) };
});

/* Only what differs from the step is said, besides what every call says: the body stays readable. */
export function buildPayload(form) {
  const { values, step } = form;
  const payload = {
    project: form.projectId,
    commit: form.commit,
    step: step.name,
    inputs: Object.fromEntries(form.inputs.map((input) => [input.name, inputUris(input)])),
    parameters: Object.fromEntries(form.parameters.map((item) => [item.name, parameterValue(item)])),
    environment_variables: variablesOf(form),
    tags: values.tags.split(",").map((tag) => tag.trim()).filter(Boolean),
    runtime_config: { ...form.runtimeConfig },
  };
  if (values.environment) payload.environment = values.environment;
  if (values.image.trim() !== step.image) payload.image = values.image.trim();
  if (values.command !== step.command) payload.command = values.command;
  if (values.title.trim()) payload.title = values.title.trim();
  if (form.copiedFromId) payload.copied_from = form.copiedFromId;
  if (form.groups) payload.environment_variable_groups = form.groups;
  if (!values.inherit) payload.inherit_environment_variables = false;
  if (Number(values.priority)) payload.priority = Number(values.priority);
  const limit = parseDuration(values.timeLimit) || 0;
  if (limit !== (step.time_limit || 0)) payload.time_limit = limit;
  const silence = parseDuration(values.silence) || 0;
  if (silence !== (step.no_output_timeout ?? form.installation.no_output_timeout)) payload.runtime_config.no_output_timeout = silence;
  return payload;
}

function variablesOf(form) {
  const rows = form.variablesAsText ? parseVariables(form.variablesText) : form.variables;
  const named = rows.filter((row) => row.name.trim() && (row.value !== "" || !row.declared || row.default));
  return Object.fromEntries(named.map((row) => [row.name.trim(), row.value]));
}

export function curlCommand(origin, payload) {
  const body = JSON.stringify(payload, null, 2).replaceAll("'", "'\\''");
  return [
    `curl -X POST ${origin}/api/v0/executions/ \\`,
    '  -H "Authorization: Token $VALOHAI_TOKEN" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '${body}'`,
  ].join("\n");
}
