/* The create form: state in one Alpine component, drawn from the facts that the server put into the page. */

import { api, errorText } from "../lib/api.js";
import { pickData } from "../lib/data-picker.js";
import {
  buildPayload, curlCommand, formatDurationInput, inputMistake, inputUris, lines, parameterMistake, parameterValue,
  parseDuration, parseVariables,
} from "../lib/execution-payload.js";
import { formatRelative } from "../lib/time.js";
import { toast } from "../lib/toast.js";

let lastKey = 0;
const nextKey = () => { lastKey += 1; return lastKey; };
const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

const FIELD_NAMES = {
  environment: "environment", image: "image", command: "command", timeLimit: "time limit",
  silence: "no-output timeout", priority: "priority", inherit: "inherit variables",
};

/* One changed thing for the summary; of lists only what left and what came. */
function change(name, from, to) {
  const [left, came] = Array.isArray(from) && Array.isArray(to)
    ? [from.filter((item) => !to.includes(item)), to.filter((item) => !from.includes(item))] : [from, to];
  return { name, from: brief(left), to: brief(came) || (brief(left) ? "nothing" : "another order") };
}

function brief(value) {
  if (value === null || value === undefined || value === "") return "";
  const text = Array.isArray(value) ? value.join(", ") : String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/* ---- from facts to rows ---- */

function inputRow(declared, given) {
  const uris = given ?? declared.default;
  return {
    ...declared,
    rows: (uris.length ? uris : declared.optional ? [] : [""]).map((uri) => ({ uri, key: nextKey() })),
    asText: false,
    text: "",
    error: "",
    rowLabel: `File of input ${declared.name}`,
    undoLabel: `Undo the change of input ${declared.name}`,
    pickLabel: `Choose data for input ${declared.name}`,
  };
}

function parameterKind(declared) {
  if (declared.type === "flag") return "flag";
  if (declared.multiple) return "list";
  if (declared.choices) return "choice";
  return declared.type === "string" ? "text" : "number";
}

const shown = (value) => {
  if (value === null || value === undefined) return "";
  return Array.isArray(value) ? value.map(String).join("\n") : String(value);
};

function parameterRow(declared, value, index) {
  const kind = parameterKind(declared);
  const range = [
    declared.min !== null && `at least ${declared.min}`, declared.max !== null && `at most ${declared.max}`,
  ].filter(Boolean).join(", ");
  const inputTypes = { date: "date", datetime: "datetime-local", time: "time" };
  return {
    ...declared,
    kind,
    id: `p-${index}`,
    noteId: `p-${index}-note`,
    value: kind === "flag" ? Boolean(value) : shown(value),
    choices: declared.choices?.map(String) ?? null,
    mustSay: !declared.optional && (declared.default ?? null) === null,
    canBeEmpty: declared.optional || value === null || value === undefined,
    placeholder: kind !== "flag" && declared.default != null ? shown(declared.default) : "",
    inputType: inputTypes[declared.widget] || "text",
    note: [declared.description, declared.type, range].filter(Boolean).join(" · "),
    undoLabel: `Undo the change of parameter ${declared.name}`,
    error: "",
  };
}

function variableRow(declared, value) {
  return { ...declared, declared: true, value: value ?? "", key: nextKey(), label: `Value of ${declared.name}` };
}

const freeVariable = (name = "", value = "") => (
  { name, value, declared: false, default: null, description: "", key: nextKey(), label: "Value of the variable" }
);

/* Set-up of everything that the step decides; `given` is a payload to start from, or null for the step's own values. */
function stepState(facts, given) {
  const { step } = facts;
  if (!step) return { step: null, inputs: [], parameters: [], variables: [] };
  const givenVariables = { ...(given?.environment_variables ?? {}) };
  const variables = step.variables.map((item) => {
    const value = item.name in givenVariables ? givenVariables[item.name] : item.default;
    delete givenVariables[item.name];
    return variableRow(item, value);
  });
  for (const [name, value] of Object.entries(givenVariables)) variables.push(freeVariable(name, value));
  return {
    step,
    inputs: step.inputs.map((item) => inputRow(item, given?.inputs?.[item.name])),
    parameters: step.parameters.map((item, index) => (
      parameterRow(item, given ? given.parameters?.[item.name] : item.default, index)
    )),
    variables,
  };
}

/* The step's own values; where it says nothing about silence, the installation's limit is what applies. */
function defaultValues(step, installation) {
  return {
    environment: "",
    image: step?.image ?? "",
    command: step?.command ?? "",
    timeLimit: formatDurationInput(step?.time_limit),
    silence: formatDurationInput(step?.no_output_timeout ?? installation.no_output_timeout),
    priority: "0",
    inherit: true,
  };
}

function givenValues(step, installation, given) {
  const defaults = defaultValues(step, installation);
  const silence = given.runtime_config?.no_output_timeout;
  return {
    ...defaults,
    environment: given.environment === step?.environment ? "" : given.environment ?? "",
    image: given.image ?? step?.image ?? "",
    command: given.command ?? step?.command ?? "",
    timeLimit: formatDurationInput(given.time_limit),
    silence: silence === undefined ? defaults.silence : formatDurationInput(silence),
    priority: given.priority ? "1" : "0",
    inherit: given.inherit_environment_variables !== false,
  };
}

/* Groups that the step or the payload names, in that order, then the others of the project. A name that the project does not
   have stays chosen: the API says what is wrong with it. */
function groupRows(facts, given) {
  const named = given?.environment_variable_groups ?? facts.step?.groups ?? [];
  const left = new Map(facts.groups.map((group) => [group.id, group]));
  const rows = named.map((name) => {
    const group = facts.groups.find((item) => item.id === name || item.name.toLowerCase() === name.toLowerCase());
    if (group) left.delete(group.id);
    return groupRow(name, group, true);
  });
  return [...rows, ...[...left.values()].map((group) => groupRow(group.name, group, false))];
}

function groupRow(name, group, chosen) {
  const names = group?.variables.join(", ") || "no variables yet";
  return { name, chosen, key: nextKey(), label: group?.name ?? name, note: group ? names : "not assigned to this project" };
}

function commitLabel(item) {
  const when = formatRelative(Date.parse(item.committed_at));
  const refs = item.adhoc ? "ad-hoc" : item.refs.join(", ");
  return [item.short, `(${when})`, refs, item.description].filter(Boolean).join("  ");
}

function environmentLabel(item) {
  const extra = [item.gpu, item.price ? `$${item.price.toFixed(2)}/h` : ""].filter(Boolean).join(", ");
  const label = `${item.name}${item.name === item.slug ? "" : ` (${item.slug})`}${extra ? `, ${extra}` : ""}`;
  return item.unavailable ? `${label} \u2013 ${item.unavailable}` : label;
}

/* ---- the component ---- */

function executionForm() {
  const facts = JSON.parse(document.getElementById("create-facts").textContent);
  const { given } = facts;
  return {
    projectId: facts.project.id,
    installation: facts.installation,
    environments: facts.environments.map((item) => ({
      ...item, label: environmentLabel(item), closed: Boolean(item.unavailable),
    })),
    projectEnvironment: facts.default_environment,
    inherited: facts.inherited,
    branches: facts.branches,
    commits: facts.commits.map((item) => ({ ...item, label: commitLabel(item) })),
    copiedFrom: given?.counter ? `#${given.counter}` : "",
    copiedFromId: given?.copied_from ?? "",
    branch: "",
    commit: facts.commit,
    steps: facts.steps,
    stepName: facts.step?.name ?? "",
    problem: facts.problem,
    problems: facts.problems,
    values: {
      ...(given ? givenValues(facts.step, facts.installation, given) : defaultValues(facts.step, facts.installation)),
      title: given?.title ?? "",
      tags: given?.tags?.join(", ") ?? "",
    },
    runtimeConfig: withoutTimeout(given?.runtime_config),
    groupFacts: { groups: facts.groups, step: facts.step },
    groupRows: groupRows(facts, given),
    ...stepState(facts, given),
    variablesAsText: false,
    variablesText: "",
    errors: {},
    formErrors: [],
    busy: false,

    init() {
      this.$el.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.submit();
      });
    },

    /* what is shown */
    get shownCommits() {
      const wanted = this.commits.filter((item) => {
        if (!this.branch) return true;
        return this.branch === "~" ? item.adhoc : !item.adhoc && item.refs.includes(this.branch);
      });
      return wanted.length ? wanted : this.commits.filter((item) => item.identifier === this.commit);
    },
    get commitUrl() { return this.$root.dataset.commitUrl.replace("IDENTIFIER", encodeURIComponent(this.commit)); },
    get stepDescription() { return this.step?.description ?? ""; },
    get commandRows() { return Math.min(Math.max(this.values.command.split("\n").length + 1, 3), 16); },
    get defaultEnvironmentLabel() {
      if (this.step?.environment) return `As the step says (${this.step.environment})`;
      return this.projectEnvironment ? `Project default (${this.projectEnvironment})` : "Default";
    },
    get supportsPriority() {
      const slug = this.values.environment || this.step?.environment || this.projectEnvironment;
      return this.environments.find((item) => item.slug === slug)?.supports_priority ?? true;
    },
    get parameterGroups() {
      const groups = new Map();
      for (const item of this.parameters) {
        if (!groups.has(item.category)) groups.set(item.category, []);
        groups.get(item.category).push(item);
      }
      return [...groups].map(([name, items]) => ({ name, items }));
    },
    get inheritedNote() {
      if (!this.inherited.length) return "(there are none)";
      const names = this.inherited.map((item) => item.name);
      return `(${names.slice(0, 6).join(", ")}${names.length > 6 ? `, ${names.length - 6} more` : ""})`;
    },

    get environmentProblem() {
      const slug = this.values.environment || this.step?.environment || this.projectEnvironment;
      return this.environments.find((item) => item.slug === slug)?.unavailable ?? "";
    },
    /* What is sent: null leaves it to the step. */
    get groups() {
      const chosen = this.groupRows.filter((row) => row.chosen).map((row) => row.name);
      return same(chosen, this.step?.groups ?? []) ? null : chosen;
    },

    /* changed from the step, and back */
    defaults() { return defaultValues(this.step, this.installation); },
    isChanged(field) { return this.values[field] !== this.defaults()[field]; },
    undo(field) { this.values[field] = this.defaults()[field]; },
    inputChanged(input) { return !same(inputUris(input), input.default); },
    undoInput(input) {
      Object.assign(input, inputRow(this.step.inputs.find((item) => item.name === input.name)));
    },
    parameterChanged(parameter) {
      const { default: value, kind } = parameter;
      const original = kind === "flag" ? Boolean(value) : kind === "list" ? lines(shown(value)).join("\n") : shown(value);
      const current = kind === "list" ? lines(parameter.value).join("\n") : parameter.value;
      return current !== original;
    },
    undoParameter(parameter) {
      parameter.value = parameter.kind === "flag" ? Boolean(parameter.default) : shown(parameter.default);
      parameter.error = "";
    },
    variableChanged(row) { return row.declared && row.value !== (row.default ?? ""); },
    undoVariable(row) { row.value = row.default ?? ""; },
    get anyOverride() { return this.changeList.length > 0; },
    get changeList() {
      const defaults = this.defaults();
      return [
        ...Object.keys(defaults).filter((field) => this.isChanged(field))
          .map((field) => change(FIELD_NAMES[field], defaults[field], this.values[field])),
        ...this.inputs.filter((item) => this.inputChanged(item))
          .map((item) => change(item.name, item.default, inputUris(item))),
        ...this.parameters.filter((item) => this.parameterChanged(item))
          .map((item) => change(item.name, item.default, parameterValue(item))),
        ...this.variables.filter((row) => row.name && (!row.declared || this.variableChanged(row)))
          .map((row) => change(row.name, row.default, row.value)),
        ...(this.groups ? [change("groups of variables", this.step?.groups ?? [], this.groups)] : []),
      ];
    },
    revertAll() {
      Object.assign(this.values, this.defaults());
      Object.assign(this, stepState({ step: this.step }, null));
      this.groupRows = groupRows(this.groupFacts, null);
      this.runtimeConfig = {};
      this.variablesAsText = false;
      this.clearErrors();
    },

    /* rows and text */
    addRow(input) {
      const row = { uri: "", key: nextKey() };
      input.rows.push(row);
      this.$nextTick(() => [...this.$root.querySelectorAll(".uri-row input")].find((box) => box.value === "")?.focus());
    },
    async pickFiles(input) {
      const uris = [...inputUris(input), ...await pickData(this.projectId)];
      if (input.asText) input.text = uris.join("\n");
      else if (uris.length) input.rows = uris.map((uri) => ({ uri, key: nextKey() }));
    },
    removeRow(input, index) { input.rows.splice(index, 1); },
    toggleInputText(input) {
      const uris = inputUris(input);
      input.asText = !input.asText;
      if (input.asText) input.text = uris.join("\n");
      else input.rows = uris.map((uri) => ({ uri, key: nextKey() }));
    },
    addVariable() { this.variables.push(freeVariable()); },
    removeVariable(index) { this.variables.splice(index, 1); },
    toggleVariableText() {
      if (this.variablesAsText) {
        const given = Object.fromEntries(parseVariables(this.variablesText).map((row) => [row.name, row.value]));
        this.variables = stepState({ step: this.step }, { environment_variables: given }).variables;
      } else {
        const rows = this.variables.filter((row) => row.name && (row.value !== "" || !row.declared));
        this.variablesText = rows.map((row) => `${row.name}=${row.value}`).join("\n");
      }
      this.variablesAsText = !this.variablesAsText;
    },

    /* another commit or step */
    branchChanged() {
      if (this.shownCommits.some((item) => item.identifier === this.commit)) return;
      this.commit = this.shownCommits[0].identifier;
      this.sourceChanged();
    },
    async sourceChanged() {
      const query = new URLSearchParams({ commit: this.commit, step: this.stepName });
      const kept = this.changes();
      this.busy = true;
      const answer = await api("GET", `${this.$root.dataset.factsUrl}?${query}`);
      this.busy = false;
      if (!answer.ok) {
        toast(errorText(answer), "error");
        return;
      }
      const fresh = answer.data;
      const sameStep = fresh.step?.name === kept.step;
      Object.assign(this, {
        steps: fresh.steps, problem: fresh.problem, problems: fresh.problems, stepName: fresh.step?.name ?? "",
        groupFacts: { groups: fresh.groups, step: fresh.step }, groupRows: groupRows(fresh, null),
        ...stepState(fresh, null),
      });
      Object.assign(this.values, defaultValues(fresh.step, this.installation));
      if (sameStep) this.reapply(kept);
      this.clearErrors();
      history.replaceState(null, "", `${location.pathname}?${query}`);
    },
    /* What the user changed stays changed when only the commit is another. */
    changes() {
      return {
        step: this.step?.name,
        values: Object.fromEntries(
          Object.keys(this.defaults()).filter((field) => this.isChanged(field))
            .map((field) => [field, this.values[field]]),
        ),
        inputs: this.inputs.filter((item) => this.inputChanged(item)).map((item) => [item.name, inputUris(item)]),
        parameters: this.parameters.filter((item) => this.parameterChanged(item)).map((item) => [item.name, item.value]),
        variables: this.variables.filter((row) => !row.declared || this.variableChanged(row)),
      };
    },
    reapply(kept) {
      Object.assign(this.values, kept.values);
      for (const [name, uris] of kept.inputs) {
        const input = this.inputs.find((item) => item.name === name);
        if (input) input.rows = uris.map((uri) => ({ uri, key: nextKey() }));
      }
      for (const [name, value] of kept.parameters) {
        const parameter = this.parameters.find((item) => item.name === name);
        if (parameter && typeof parameter.value === typeof value) parameter.value = value;
      }
      for (const row of kept.variables) {
        const declared = this.variables.find((item) => item.name === row.name);
        if (declared) declared.value = row.value;
        else this.variables.push(freeVariable(row.name, row.value));
      }
    },

    /* sending */
    payload() { return buildPayload(this); },
    showCall() {
      if (!this.check()) return;
      const payload = this.payload();
      document.getElementById("api-curl").textContent = curlCommand(location.origin, payload);
      document.getElementById("api-json").textContent = JSON.stringify(payload, null, 2);
      document.getElementById("api-call").showModal();
    },
    async submit() {
      if (this.busy || !this.step || !this.check()) return;
      this.busy = true;
      const answer = await api("POST", "/api/v0/executions/", this.payload());
      if (answer.ok) {
        location.assign(answer.data.urls.display);
        return;
      }
      this.busy = false;
      this.showErrors(answer);
    },
    clearErrors() {
      this.errors = {};
      this.formErrors = [];
      for (const item of [...this.inputs, ...this.parameters]) item.error = "";
    },
    check() {
      this.clearErrors();
      for (const item of this.parameters) item.error = parameterMistake(item);
      for (const item of this.inputs) item.error = inputMistake(item);
      for (const [field, text] of [["time_limit", this.values.timeLimit], ["no_output_timeout", this.values.silence]]) {
        try { parseDuration(text); } catch (error) { this.errors[field] = error.message; }
      }
      return this.settleErrors();
    },
    /* The API's one error shape: {field: [{message}]}, or a message alone. */
    showErrors(answer) {
      const { data } = answer;
      if (!data || data.message || typeof data.detail === "string") {
        this.formErrors = [errorText(answer)];
      } else {
        for (const [field, found] of Object.entries(data)) this.placeErrors(field, messagesIn(found));
      }
      this.settleErrors();
    },
    placeErrors(field, messages) {
      const rows = { parameters: this.parameters, inputs: this.inputs }[field];
      const own = ["commit", "step", "environment", "image", "command", "title", "tags", "priority", "time_limit",
        "no_output_timeout", "environment_variables", "environment_variable_groups"];
      for (const message of messages) {
        const row = rows?.find((item) => message.includes(`'${item.name}'`));
        if (row) row.error = [row.error, message].filter(Boolean).join(" ");
        else if (own.includes(field)) this.errors[field] = [this.errors[field], message].filter(Boolean).join(" ");
        else this.formErrors.push(message);
      }
    },
    settleErrors() {
      const wrong = Object.keys(this.errors).length + this.formErrors.length
        + [...this.inputs, ...this.parameters].filter((item) => item.error).length;
      if (!wrong) return true;
      this.$nextTick(() => {
        const first = this.$root.querySelector(".has-error");
        const target = this.formErrors.length ? document.getElementById("form-errors") : first;
        target?.scrollIntoView({ block: "center" });
        (first?.querySelector("input, select, textarea") || target)?.focus({ preventScroll: true });
      });
      return false;
    },
  };
}

function withoutTimeout(config) {
  const { no_output_timeout: _, ...rest } = config ?? {};
  return rest;
}

function messagesIn(found) {
  if (Array.isArray(found)) return found.flatMap(messagesIn);
  if (found && typeof found === "object") return found.message ? [found.message] : Object.values(found).flatMap(messagesIn);
  return found ? [String(found)] : [];
}

document.addEventListener("alpine:init", () => window.Alpine.data("executionForm", executionForm));
