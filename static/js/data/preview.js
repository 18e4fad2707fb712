/* Shows a file in a dialog: text, JSON, CSV, a notebook, an image, sound or video. What the file says is text;
   only of Markdown the server makes markup, without scripts, pictures and styles. */

import { api, errorText } from "../lib/api.js";
import { copyText } from "../lib/copy.js";
import { toast } from "../lib/toast.js";
import { formatBytes } from "../lib/units.js";
import { downloadDatum } from "./download.js";

const dialog = document.getElementById("preview");
const part = (name) => dialog.querySelector(`[data-preview-part="${name}"]`);
let shown = null;

export function installPreviews() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-preview]");
    if (button) open(button.dataset.preview, button.dataset.name ?? button.textContent);
  });
  dialog.addEventListener("close", () => part("body").replaceChildren()); // nothing goes on playing
  part("download").addEventListener("click", () => downloadDatum(shown));
  part("copy").addEventListener("click", async () => {
    await copyText(`datum://${shown}`);
    toast("Copied. Use it as an input of another execution.", "success");
  });
}

async function open(id, name) {
  shown = id;
  document.getElementById("preview-name").textContent = name.trim();
  part("size").textContent = "";
  part("note").hidden = true;
  part("body").replaceChildren(paragraph("Loading…"));
  dialog.showModal();
  const base = `${dialog.dataset.api}${id}/`;
  const [datum, preview] = await Promise.all([api("GET", base), api("GET", `${base}preview/`)]);
  if (shown !== id) return;
  if (datum.ok) part("size").textContent = formatBytes(datum.data.size);
  if (!preview.ok) {
    part("body").replaceChildren(paragraph(errorText(preview)));
    return;
  }
  part("body").replaceChildren(contentOf(preview.data, name));
  note(preview.data.truncated ? "Only the beginning is shown. Download the file to see the rest." : "");
}

function contentOf(preview, name) {
  if (preview.kind === "image") return imageOf(preview.url, name);
  if (preview.kind === "audio" || preview.kind === "video") return playerOf(preview.kind, preview.url, name);
  if (preview.kind === "notebook") return notebookOf(preview.cells);
  if (preview.kind === "markdown") return markdownOf(preview.html);
  if (preview.kind === "csv" && preview.rows?.length) return tableOf(preview.rows);
  if (preview.kind === "json") return textOf(pretty(preview.text));
  if (preview.kind === "text" || preview.kind === "csv") return textOf(preview.text ?? "");
  return paragraph("This kind of file has no preview. Download it to look inside.");
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

function textOf(text) {
  const element = document.createElement("pre");
  element.className = "preview-text";
  element.textContent = text || "(empty)";
  return element;
}

function markdownOf(html) {
  const element = document.createElement("div");
  element.className = "preview-markdown";
  element.innerHTML = html; // the server's markup, see common/markdown.py
  if (!element.childNodes.length) element.textContent = "(empty)";
  return element;
}

function imageOf(url, name) {
  const image = document.createElement("img");
  image.className = "preview-image";
  image.alt = name.trim();
  image.src = url;
  image.addEventListener("error", () => image.replaceWith(paragraph("The image cannot be shown. Download it instead.")));
  return image;
}

function playerOf(kind, url, name) {
  const player = document.createElement(kind);
  player.className = "preview-player";
  player.controls = true;
  player.preload = "metadata";
  player.setAttribute("aria-label", name.trim());
  player.src = url;
  player.addEventListener("error", () => player.replaceWith(paragraph("The browser cannot play this. Download it instead.")));
  return player;
}

function notebookOf(cells) {
  const notebook = document.createElement("div");
  notebook.className = "preview-notebook";
  for (const cell of cells) {
    const section = document.createElement("section");
    section.className = `notebook-cell notebook-${cell.kind}`;
    const source = cell.html === undefined ? block("notebook-source", cell.source) : markdownOf(cell.html);
    section.append(source, ...cell.outputs.map(outputOf));
    notebook.append(section);
  }
  if (!cells.length) notebook.append(paragraph("The notebook has no cells."));
  return notebook;
}

function outputOf(output) {
  if (output.kind === "image") return imageOf(output.url, "Output of the cell");
  return block(`notebook-output notebook-${output.kind}`, output.text);
}

function block(className, text) {
  const element = document.createElement("pre");
  element.className = className;
  element.textContent = text;
  return element;
}

function tableOf([head, ...rows]) {
  const table = document.createElement("table");
  table.className = "data-table";
  const heading = table.createTHead().insertRow();
  for (const cell of head) {
    const th = document.createElement("th");
    th.textContent = cell;
    heading.append(th);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const cell of row) line.insertCell().textContent = cell;
  }
  return table;
}

function paragraph(text) {
  const element = document.createElement("p");
  element.className = "muted preview-note";
  element.textContent = text;
  return element;
}

function note(text) {
  part("note").hidden = !text;
  part("note").textContent = text;
}
