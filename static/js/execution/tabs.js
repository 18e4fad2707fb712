/* Tabs by the hash of the address: `#log`, also `#log-L12`. The browser's history and links work as for pages. */

const TABS = ["details", "log", "metadata", "outputs"];

export const tabOfHash = (hash) => TABS.find((name) => hash === `#${name}` || hash.startsWith(`#${name}-`)) ?? "details";

export class Tabs {
  #list = document.getElementById("detail-tabs");
  #onShow;
  current = null;

  constructor(onShow) {
    this.#onShow = onShow;
    window.addEventListener("hashchange", () => this.show(tabOfHash(location.hash)));
    this.#list.addEventListener("click", (event) => {
      const tab = event.target.closest("[data-tab]");
      if (!tab || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault(); // following the hash would scroll the panel under the bar
      history.pushState(null, "", tab.hash);
      this.show(tab.dataset.tab);
    });
    this.#list.addEventListener("keydown", (event) => this.#onKey(event));
    document.addEventListener("click", (event) => {
      const link = event.target.closest('a[href^="#"]');
      if (!link || event.defaultPrevented || this.#list.contains(link) || !TABS.includes(link.hash.slice(1))) return;
      event.preventDefault();
      history.pushState(null, "", link.hash);
      this.show(link.hash.slice(1));
    });
  }

  show(name) {
    const changed = name !== this.current;
    const before = this.current;
    this.current = name;
    for (const tab of this.#list.querySelectorAll("[data-tab]")) {
      const active = tab.dataset.tab === name;
      tab.classList.toggle("is-active", active);
      tab.setAttribute("aria-selected", String(active));
      tab.tabIndex = active ? 0 : -1;
      if (active && changed) tab.scrollIntoView({ inline: "nearest", block: "nearest" });
    }
    for (const panel of document.querySelectorAll("[data-panel]")) panel.hidden = panel.dataset.panel !== name;
    // "/" goes to the search box of the tab that is open.
    for (const input of document.querySelectorAll("[data-tab-search]")) {
      input.toggleAttribute("data-search", input.dataset.tabSearch === name);
    }
    this.#onShow(name, changed ? before : name);
  }

  count(name, number) {
    const badge = this.#list.querySelector(`[data-count="${name}"]`);
    badge.textContent = number.toLocaleString("en");
    badge.closest(".tab").classList.toggle("is-empty", number === 0);
  }

  #onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const name = TABS[(TABS.indexOf(this.current) + step + TABS.length) % TABS.length];
    history.replaceState(null, "", `#${name}`);
    this.show(name);
    this.#list.querySelector(`[data-tab="${name}"]`).focus();
  }
}
