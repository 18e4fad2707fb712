/* The execution as it changes: over the socket, and by asking every few seconds while the socket is away.

   `onState` gets the same facts either way (the socket's state message); other messages go to `onMessage`. */

import { api } from "../lib/api.js";
import { connect } from "../lib/socket.js";
import { stateOfApi } from "./state-of-api.js";

const PATIENCE_MS = 1500;
const POLL_MS = 3000;
const LEFT_OUT = "events,metadata,outputs,command,interpolated_command,inputs,parameters,environment_variables,project,commit,environment";

export function followExecution({ socketPath, apiUrl, onState, onMessage, onConnection }) {
  let connected = false;
  let noteTimer = null;
  let pollTimer = null;

  const poll = async () => {
    const answer = await api("GET", `${apiUrl}?exclude=${LEFT_OUT}`);
    if (connected) return;
    if (answer.ok) onState(stateOfApi(answer.data));
    pollTimer = setTimeout(poll, POLL_MS);
  };

  const changed = (open) => {
    if (open === connected) return;
    connected = open;
    clearTimeout(noteTimer);
    clearTimeout(pollTimer);
    if (!open) pollTimer = setTimeout(poll, POLL_MS);
    onConnection(open);
    // A short interruption is nobody's business.
    noteTimer = setTimeout(() => { document.getElementById("live-state").hidden = open; }, open ? 0 : PATIENCE_MS);
  };

  pollTimer = setTimeout(poll, POLL_MS);
  const { send } = connect(socketPath, {
    onState: (state) => changed(state === "open"),
    onMessage: (message) => (message.type === "state" ? onState(message.execution) : onMessage(message)),
  });
  return { send };
}
