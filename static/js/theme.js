/* Sets the theme before the first paint. "light", "dark" or, by default, what the system says. */
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try { return localStorage.getItem("theme") || "system"; } catch { return "system"; }
  };
  const apply = () => {
    const choice = stored();
    const theme = choice === "system" ? (system.matches ? "dark" : "light") : choice;
    document.documentElement.dataset.bsTheme = theme;
    document.documentElement.dataset.themeChoice = choice;
    document.dispatchEvent(new CustomEvent("themechange", { detail: theme }));
  };
  window.setTheme = (choice) => {
    try { localStorage.setItem("theme", choice); } catch { /* private mode: the choice lasts for this page */ }
    apply();
  };
  system.addEventListener("change", apply);
  apply();
})();
