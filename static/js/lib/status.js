/* The status badge of the template tag `status_badge`, for pages that change it in place. */

import { icon } from "./icon.js";

const ICONS = {
  created: "hourglass", queued: "clock", started: "loader-2", stopping: "loader-2",
  complete: "circle-check", error: "circle-x", crashed: "alert-triangle", stopped: "player-stop",
};
const FINAL = new Set(["complete", "error", "crashed", "stopped"]);

export const isFinal = (status) => FINAL.has(status);

export function statusBadge(status, detail = "") {
  const badge = document.createElement("span");
  badge.className = `run-status run-status-${status}`;
  badge.dataset.status = status;
  if (detail) badge.title = detail;
  const spins = status === "started" || status === "stopping";
  badge.append(icon(ICONS[status] || "circle-dot", spins ? "icon-spin" : ""), status);
  return badge;
}
