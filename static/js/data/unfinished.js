/* Uploads in parts that a reload or a lost connection interrupted: what has arrived of which file. A browser forgets the file
   itself, so that it has to be chosen again; then the upload goes on where it was. */

const PREFIX = "upload:";
const KEPT_MS = 24 * 3600 * 1000;  // the server forgets a reservation after a day

export class Unfinished {
  #project;

  constructor(project) {
    this.#project = project;
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(PREFIX) && !(read(key)?.begun > Date.now() - KEPT_MS)) localStorage.removeItem(key);
    }
  }

  /* { datum_id, sent: Map } of this very file, or null. */
  of(file, name) {
    const kept = read(this.#key(file, name));
    return kept && { datum_id: kept.datum_id, sent: new Map(kept.sent) };
  }

  keep(file, name, datumId, sent) {
    const kept = { begun: Date.now(), datum_id: datumId, sent: [...sent] };
    try {
      localStorage.setItem(this.#key(file, name), JSON.stringify(kept));
    } catch {
      /* no room: it cannot be gone on with, and that is all */
    }
  }

  forget(file, name) {
    localStorage.removeItem(this.#key(file, name));
  }

  #key(file, name) {
    return `${PREFIX}${this.#project}:${file.size}:${file.lastModified}:${name}`;
  }
}

function read(key) {
  try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
}
