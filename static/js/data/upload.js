/* Uploads files straight to the store: reserve a place, send the bytes by signed requests, say that it is whole. */

import { formatBytes } from "../lib/units.js";
import { chosenFiles, droppedFiles } from "./folders.js";
import { called, sendFile } from "./transfer.js";
import { Unfinished } from "./unfinished.js";

const AT_ONCE = 3;
const MOST_SHOWN = 200;  // items of the list; of thousands of files the summary tells

export function installUploads(onUploaded) {
  const dialog = document.getElementById("upload");
  if (!dialog) return;
  const queue = new UploadQueue(dialog.dataset.project, document.getElementById("upload-list"), document.getElementById("upload-summary"), onUploaded);
  const zone = document.getElementById("drop-zone");
  for (const input of dialog.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => {
      queue.add(chosenFiles(input));
      input.value = "";
    });
  }
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("is-over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    zone.classList.remove("is-over");
    queue.add(await droppedFiles(event.dataTransfer));
  });
  window.addEventListener("beforeunload", (event) => { if (queue.busy) event.preventDefault(); });
}

class UploadQueue {
  #project;
  #list;
  #summary;
  #onUploaded;
  #unfinished;
  #waiting = [];
  #running = new Set();
  #done = 0;
  #failed = 0;
  #doneBytes = 0;
  #begun = 0;

  constructor(project, list, summary, onUploaded) {
    this.#project = project;
    this.#list = list;
    this.#summary = summary;
    this.#onUploaded = onUploaded;
    this.#unfinished = new Unfinished(project);
  }

  get busy() {
    return this.#running.size > 0 || this.#waiting.length > 0;
  }

  add(files) {
    if (!this.busy) [this.#done, this.#failed, this.#doneBytes, this.#begun] = [0, 0, 0, performance.now()];
    for (const { file, name } of files) {
      const shown = this.#list.childElementCount < MOST_SHOWN ? this.#list.appendChild(itemOf(name, file.size)) : null;
      this.#waiting.push({ file, name, shown, bytes: 0 });
    }
    this.#next();
  }

  #next() {
    while (this.#running.size < AT_ONCE && this.#waiting.length) {
      const upload = this.#waiting.shift();
      this.#running.add(upload);
      this.#upload(upload).finally(() => {
        this.#running.delete(upload);
        this.#summarize();
        this.#next();
      });
    }
    this.#summarize();
  }

  async #upload(upload) {
    const { file, name } = upload;
    try {
      const datumId = await this.#send(upload);
      this.#unfinished.forget(file, name);
      this.#done += 1;
      this.#doneBytes += file.size;
      this.#show(upload, "done");
      this.#onUploaded(datumId);
    } catch (error) {
      this.#failed += 1;
      upload.shown?.classList.add("is-failed");
      this.#show(upload, error.message);
    }
  }

  /* The id of the file that is there afterwards. */
  async #send(upload) {
    const { file, name } = upload;
    const { reservation, sent } = await this.#place(file, name);
    await sendFile(reservation, file, {
      sent,
      onPart: () => this.#unfinished.keep(file, name, reservation.datum_id, sent),
      onProgress: (bytes) => {
        upload.bytes = bytes;
        this.#show(upload, `${Math.floor((100 * bytes) / (file.size || 1))} %`);
        this.#summarize();
      },
    });
    this.#show(upload, "checking…");
    const parts = [...sent].map(([number, etag]) => ({ number, etag }));
    await called("POST", `/api/v0/data/${reservation.datum_id}/complete/`, { parts });
    return reservation.datum_id;
  }

  /* Where it was going when it was interrupted, else a new place. */
  async #place(file, name) {
    const begun = this.#unfinished.of(file, name);
    if (begun) {
      try {
        return { reservation: await called("POST", `/api/v0/data/${begun.datum_id}/renew-upload/`), sent: begun.sent };
      } catch {
        this.#unfinished.forget(file, name);
      }
    }
    const reservation = await called("POST", "/api/v0/data/uploads/", { project: this.#project, name, size: file.size });
    return { reservation, sent: new Map() };
  }

  #show(upload, text) {
    if (!upload.shown) return;
    upload.shown.querySelector("progress").value = upload.file.size ? upload.bytes / upload.file.size : 1;
    upload.shown.querySelector("[data-state]").textContent = text;
  }

  #summarize() {
    const left = this.#waiting.length + this.#running.size;
    const bytes = this.#doneBytes + [...this.#running].reduce((total, upload) => total + upload.bytes, 0);
    const speed = bytes / Math.max(0.001, (performance.now() - this.#begun) / 1000);
    const words = [`${this.#done} uploaded`];
    if (left) words.push(`${left} to go`, `${formatBytes(bytes)} sent, ${formatBytes(Math.round(speed))} a second`);
    if (this.#failed) words.push(`${this.#failed} failed`);
    this.#summary.textContent = words.join(" · ");
  }
}

function itemOf(path, size) {
  const item = document.createElement("div");
  item.className = "upload-item";
  const name = document.createElement("span");
  name.textContent = `${path} (${formatBytes(size)})`;
  const state = document.createElement("span");
  state.className = "muted num";
  state.dataset.state = "";
  state.textContent = "waiting";
  const progress = document.createElement("progress");
  progress.max = 1;
  progress.value = 0;
  progress.setAttribute("aria-label", `Upload of ${path}`);
  item.append(name, state, progress);
  return item;
}
