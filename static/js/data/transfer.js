/* Sends one file where its reservation says: by one signed request, or in parts, several at a time, each tried again
   when the network fails. */

import { api, errorText } from "../lib/api.js";

const PARTS_AT_ONCE = 4;
const PAUSES_MS = [500, 2000, 8000];

export async function called(method, url, body) {
  const answer = await api(method, url, body);
  if (!answer.ok) throw new Error(errorText(answer));
  return answer.data;
}

/* `sent` maps numbers of parts to their etags: those that are known are passed over, those that arrive are added, and
   `onPart` is told. `onProgress` is given the bytes that have left so far. */
export async function sendFile(reservation, file, { sent = new Map(), onPart = () => {}, onProgress }) {
  if (!reservation.parts) {
    await retried(() => put(reservation, file, onProgress));
    return;
  }
  const underWay = new Map();
  let parts = reservation.parts;
  const report = () => onProgress(sum(parts.filter((part) => sent.has(part.number)), (part) => part.size) + sum([...underWay.values()], (bytes) => bytes));
  const waiting = parts.filter((part) => !sent.has(part.number)).map((part) => part.number);
  const renew = async () => { parts = (await called("POST", `/api/v0/data/${reservation.datum_id}/renew-upload/`)).parts; };
  const work = async () => {
    while (waiting.length) {
      const number = waiting.shift();
      const etag = await retried(() => {
        const part = parts[number - 1];
        return put(part, file.slice(part.offset, part.offset + part.size), (bytes) => { underWay.set(number, bytes); report(); });
      }, renew);
      underWay.delete(number);
      sent.set(number, etag);
      onPart(number, etag);
      report();
    }
  };
  report();
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, work));
}

async function retried(attempt, renew = async () => {}) {
  for (const pause of PAUSES_MS) {
    try {
      return await attempt();
    } catch (error) {
      if (!error.mayHeal) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (error.status === 403) await renew();
    }
  }
  return attempt();
}

class SendError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
    this.mayHeal = status === 0 || status === 403 || status === 408 || status === 429 || status >= 500;
  }
}

/* XMLHttpRequest, because fetch does not tell how much of a body is sent. Resolves to the etag of what was stored. */
function put({ method, url, headers }, body, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers ?? {})) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(etagOf(request));
      else reject(new SendError(`The store answered ${request.status}.`, request.status));
    });
    request.addEventListener("error", () => reject(new SendError("The store cannot be reached from this browser. Its CORS rules may not allow this site.", 0)));
    request.send(body);
  });
}

/* Empty where the store's CORS rules do not show it; the server then asks the store. Looking for the header by its name
   would complain on the console. */
function etagOf(request) {
  return (/^etag: *"?([^"\r\n]*)/im.exec(request.getAllResponseHeaders()) ?? ["", ""])[1];
}

const sum = (items, value) => items.reduce((total, item) => total + value(item), 0);
