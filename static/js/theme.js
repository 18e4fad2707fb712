/* Sets the theme before the first paint. "light", "dark" or, by default, what the system says. The administration site
   keeps its choice under the same name and says "auto" for the system's. */
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    let choice = null;
    try { choice = localStorage.getItem("theme"); } catch { /* private mode */ }
    return choice === "light" || choice === "dark" ? choice : "system";
  };
  const apply = () => {
    const choice = stored();
    const theme = choice === "system" ? (system.matches ? "dark" : "light") : choice;
    document.documentElement.dataset.bsTheme = theme;
    document.documentElement.dataset.themeChoice = choice;
    document.dispatchEvent(new CustomEvent("themechange", { detail: theme }));
  };
  window.setTheme = (choice) => {
    try {
      if (choice === "system") localStorage.removeItem("theme");
      else localStorage.setItem("theme", choice);
    } catch { /* private mode: the choice lasts for this page */ }
    apply();
  };
  system.addEventListener("change", apply);
  apply();
})();
