/* Calls of the platform's own API from a page, with the session and its CSRF token. */

export const csrfToken = () => document.querySelector('meta[name="csrf-token"]').content;

/* Resolves to { ok, status, data }; `data` is null when the answer is not JSON or the network failed. */
export async function api(method, url, body) {
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    const answer = await fetch(url, {
      method, headers, credentials: "same-origin", body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    return { ok: answer.ok, status: answer.status, data: parse(text) };
  } catch {
    return { ok: false, status: 0, data: null };
  }
}

function parse(text) {
  try { return text ? JSON.parse(text) : null; } catch { return null; }
}

/* One sentence for an answer in the API's error shape. */
export function errorText({ status, data }) {
  if (status === 0) return "The server cannot be reached. Check your connection and try again.";
  if (data?.message) return data.message;
  if (typeof data?.detail === "string") return data.detail;
  const first = data && Object.values(data).flat(9).find((item) => item?.message);
  return first?.message || `The server answered ${status}.`;
}
