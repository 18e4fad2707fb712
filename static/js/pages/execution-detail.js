/* The page of one execution: tabs, live state, log, metadata, outputs. */

import { installActions } from "../execution/actions.js";
import { showState } from "../execution/header.js";
import { followExecution } from "../execution/live.js";
import { Meters } from "../execution/meters.js";
import { OutputsTab } from "../execution/outputs-tab.js";
import { Resources } from "../execution/resources.js";
import { Tabs, tabOfHash } from "../execution/tabs.js";
import { installPreviews } from "../data/preview.js";
import { isFinal } from "../lib/status.js";
import { refreshTimes } from "../lib/time.js";
import { LogViewer } from "../log/log-viewer.js";
import { MetadataTab } from "../metadata/metadata-tab.js";

const root = document.getElementById("execution");
const apiUrl = root.dataset.api;
let state = JSON.parse(document.getElementById("execution-state").textContent);
let send = () => {};
let factsTimer = null;

const startOf = ({ started_at: started, created_at: created }) => Date.parse(started ?? created) * 1000;

const log = new LogViewer({
  panel: document.getElementById("log-panel"),
  send: (message) => send(message),
  startedAt: startOf(state),
  lineCount: state.log_line_count,
});
const metadata = new MetadataTab({ latest: state.cumulative_metadata, count: state.metadata_count });
const outputs = new OutputsTab({ apiUrl, onTotal: (total) => tabs.count("outputs", total) });
const meters = new Meters();
const resources = new Resources(meters.button, { startedAt: () => startOf(state), onResize: () => log.fit() });
const panels = {
  details: { show() {}, hide() {} },
  log: { show: () => log.show(), hide: () => log.hide() },
  metadata: { show: () => metadata.show(), hide: () => metadata.hide() },
  outputs: { show: () => outputs.show(), hide: () => outputs.hide() },
};

const tabs = new Tabs((name, before) => {
  if (before && before !== name) panels[before].hide();
  panels[name].show();
  if (name === "log") log.goToHash();
});

function applyState(changes) {
  const before = state;
  state = { ...state, ...changes };
  showState(state, before);
  log.fit();
  log.startedAt(startOf(state));
  log.counted(state.log_line_count, isFinal(state.status));
  showCounts();
  metadata.update(state.metadata_count, changes.cumulative_metadata);
  outputs.update(state.output_count);
  if (changes.latest_stats) meters.show(changes.latest_stats);
  const facts = ["status", "worker_identity", "started_at", "ended_at", "alert_count"];
  if (before !== changes && facts.some((name) => before[name] !== state[name])) refreshFacts();
}

function showCounts() {
  tabs.count("log", Math.max(state.log_line_count, log.lineCount));
  tabs.count("metadata", state.metadata_count);
  tabs.count("outputs", state.output_count);
}

/* The facts of the Details tab are drawn by the server; nobody who is typing there is disturbed. */
function refreshFacts() {
  clearTimeout(factsTimer);
  factsTimer = setTimeout(async () => {
    const panel = document.getElementById("panel-details");
    if (panel.contains(document.activeElement)) {
      refreshFacts();
      return;
    }
    try {
      const answer = await fetch(panel.dataset.url, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
      if (answer.ok) panel.innerHTML = await answer.text();
      refreshTimes(panel);
    } catch { /* the next change asks again */ }
  }, 400);
}

const receive = {
  log: (message) => {
    log.receive(message);
    tabs.count("log", Math.max(state.log_line_count, log.lineCount));
  },
  metadata: ({ count, latest }) => {
    state.metadata_count = count;
    tabs.count("metadata", count);
    metadata.update(count, latest);
  },
  stats: ({ values, time }) => {
    meters.show(values);
    if (time) resources.add(values, time);
  },
  outputs: ({ count }) => {
    state.output_count = count;
    tabs.count("outputs", count);
    outputs.update(count);
  },
};

installPreviews();
installActions({
  apiUrl,
  projectUrl: root.dataset.project,
  onStopAsked: (forced) => applyState(forced ? { kill_requested: true } : { stop_requested: true }),
});
showState(state, null);
showCounts();
meters.show(state.latest_stats);
tabs.show(tabOfHash(location.hash));
({ send } = followExecution({
  socketPath: root.dataset.socket,
  apiUrl,
  onState: applyState,
  onMessage: (message) => receive[message.type]?.(message),
  onConnection: (open) => log.socketState(open),
}));
