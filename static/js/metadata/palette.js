/* Colours of lines: distinct for most eyes on either ground; a key keeps its colour while keys stay the same. */

const LIGHT = ["#3b5bdb", "#e8590c", "#0b7a4b", "#c2255c", "#7048e8", "#0b7285", "#a07800", "#5c940d", "#862e9c", "#495057"];
const DARK = ["#8fa4ff", "#ffa45c", "#5fd39a", "#ff8bb5", "#bda6ff", "#5fd0e0", "#f0c74b", "#a9d65a", "#e59bff", "#b7c0cc"];

const isDark = () => document.documentElement.dataset.bsTheme === "dark";

export const colorOf = (index) => (isDark() ? DARK : LIGHT)[index % LIGHT.length];

export function faint(color) {
  return `${color}55`;
}

/* The page's own colours, for text and lines on a canvas. */
export function groundColors() {
  return isDark()
    ? { text: "#98a3b3", grid: "#272e39", surface: "#151a21" }
    : { text: "#5c6675", grid: "#e3e6eb", surface: "#ffffff" };
}
