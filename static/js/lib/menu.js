/* Menus are `<details class="menu">`: open without script; script adds closing, arrow keys and focus. */

export function installMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      const inside = menu.contains(event.target);
      const keeps = event.target.closest("[data-keep-open]");
      if (!inside || (event.target.closest(".menu-item") && !keeps)) menu.open = false;
    }
  });
  document.addEventListener("keydown", onKey);
  document.addEventListener("toggle", onToggle, true);
}

function onToggle(event) {
  const menu = event.target;
  if (!menu.matches?.("details.menu") || !menu.open) return;
  for (const other of document.querySelectorAll("details.menu[open]")) if (other !== menu) other.open = false;
  menu.querySelector("input[autofocus]")?.focus();
}

function onKey(event) {
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu) return;
  if (event.key === "Escape") {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopPropagation();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const items = [...menu.querySelectorAll(".menu-item:not([disabled])")].filter((item) => item.offsetParent);
    if (!items.length) return;
    const step = event.key === "ArrowDown" ? 1 : -1;
    const index = items.indexOf(document.activeElement);
    items[index < 0 ? (step > 0 ? 0 : items.length - 1) : (index + step + items.length) % items.length].focus();
    event.preventDefault();
  }
}
