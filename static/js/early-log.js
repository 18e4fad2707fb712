/* Not a module, so that it runs before anything else: whoever opens a page on its log gets the last lines on their way
   while the modules are still being fetched. log/log-viewer.js takes the answer. */
(() => {
  if (location.hash !== "#log") return;
  const id = location.pathname.split("/").filter(Boolean).pop();
  window.earlyLog = fetch(`/api/v0/executions/${id}/log/?first_line=-500&limit=500`, {
    headers: { Accept: "application/json" }, credentials: "same-origin",
  }).catch(() => null);
})();
