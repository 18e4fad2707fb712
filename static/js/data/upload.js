/* Uploads files straight to the store: reserve a place, send the bytes by the signed request, say that it is whole. */

import { api, errorText } from "../lib/api.js";
import { formatBytes } from "../lib/units.js";

const AT_ONCE = 3;

export function installUploads(onUploaded) {
  const dialog = document.getElementById("upload");
  if (!dialog) return;
  const queue = new UploadQueue(dialog.dataset.project, document.getElementById("upload-list"), onUploaded);
  const zone = document.getElementById("drop-zone");
  const input = document.getElementById("upload-files");
  input.addEventListener("change", () => {
    queue.add(input.files);
    input.value = "";
  });
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("is-over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("is-over");
    queue.add(event.dataTransfer.files);
  });
  window.addEventListener("beforeunload", (event) => { if (queue.busy) event.preventDefault(); });
}

class UploadQueue {
  #project;
  #list;
  #onUploaded;
  #waiting = [];
  #running = 0;

  constructor(project, list, onUploaded) {
    this.#project = project;
    this.#list = list;
    this.#onUploaded = onUploaded;
  }

  get busy() {
    return this.#running > 0 || this.#waiting.length > 0;
  }

  add(files) {
    for (const file of files) {
      const item = itemOf(file);
      this.#list.append(item);
      this.#waiting.push({ file, item });
    }
    this.#next();
  }

  #next() {
    while (this.#running < AT_ONCE && this.#waiting.length) {
      this.#running += 1;
      this.#upload(this.#waiting.shift()).finally(() => {
        this.#running -= 1;
        this.#next();
      });
    }
  }

  async #upload({ file, item }) {
    const state = item.querySelector("[data-state]");
    try {
      const grant = await called("POST", "/api/v0/data/uploads/", { project: this.#project, name: file.name, size: file.size });
      await send(grant, file, (share) => {
        item.querySelector("progress").value = share;
        state.textContent = `${Math.floor(share * 100)} %`;
      });
      state.textContent = "checking…";
      await called("POST", `/api/v0/data/${grant.datum_id}/complete/`);
      state.textContent = "done";
      this.#onUploaded();
    } catch (error) {
      item.classList.add("is-failed");
      state.textContent = error.message;
    }
  }
}

async function called(method, url, body) {
  const answer = await api(method, url, body);
  if (!answer.ok) throw new Error(errorText(answer));
  return answer.data;
}

/* XMLHttpRequest, because fetch does not tell how much of a body is sent. */
function send({ method, url, headers }, file, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers ?? {})) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) onProgress(event.loaded / event.total); });
    request.addEventListener("load", () => {
      if (request.status < 300) resolve();
      else reject(new Error(`The store answered ${request.status}.`));
    });
    request.addEventListener("error", () => reject(new Error("The store cannot be reached from this browser.")));
    request.send(file);
  });
}

function itemOf(file) {
  const item = document.createElement("div");
  item.className = "upload-item";
  const name = document.createElement("span");
  name.textContent = `${file.name} (${formatBytes(file.size)})`;
  const state = document.createElement("span");
  state.className = "muted num";
  state.dataset.state = "";
  state.textContent = "waiting";
  const progress = document.createElement("progress");
  progress.max = 1;
  progress.value = 0;
  progress.setAttribute("aria-label", `Upload of ${file.name}`);
  item.append(name, state, progress);
  return item;
}
