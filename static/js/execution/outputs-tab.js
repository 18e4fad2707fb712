/* The Outputs tab: the table of files, refreshed when there are more of them. */

import { api, errorText } from "../lib/api.js";
import { ask } from "../lib/confirm.js";
import { toast } from "../lib/toast.js";
import { DatumList } from "../data/datum-list.js";

const REFRESH_MS = 1500;
const AT_ONCE = 4;

export class OutputsTab {
  #apiUrl;
  #list;
  #count = null;
  #visible = false;
  #stale = true;
  #timer = null;

  constructor({ apiUrl, onTotal }) {
    this.#apiUrl = apiUrl;
    this.#list = new DatumList({
      holder: document.getElementById("outputs-list"),
      search: document.getElementById("outputs-search"),
      onLoad: (total, query) => {
        const all = !query.has("search");
        if (all) onTotal(total);
        const purge = document.getElementById("purge-all");
        if (purge && all) purge.hidden = total === 0;
      },
    });
    document.getElementById("purge-all")?.addEventListener("click", () => this.#purgeAll());
  }

  show() {
    this.#visible = true;
    if (this.#stale) this.#load();
  }

  hide() {
    this.#visible = false;
  }

  /* There are `count` files now. */
  update(count) {
    if (count === this.#count) return;
    this.#count = count;
    this.#stale = true;
    if (!this.#visible || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#visible) this.#load();
    }, this.#list.loaded ? REFRESH_MS : 0);
  }

  #load() {
    this.#stale = false;
    this.#list.load();
  }

  async #purgeAll() {
    const detail = "The bytes of every output are deleted for good. The records stay, so that other executions still say what they used.";
    if (!(await ask({ question: "Purge all outputs of this execution?", detail, action: "Purge all" }))) return;
    const answer = await api("GET", `${this.#apiUrl}outputs/`);
    if (!answer.ok) {
      toast(errorText(answer), "error");
      return;
    }
    const waiting = answer.data.filter((datum) => !datum.purged).map((datum) => datum.id);
    const failed = [];
    const work = async () => {
      for (let id = waiting.pop(); id; id = waiting.pop()) {
        const purged = await api("POST", `/api/v0/data/${id}/purge/`);
        if (!purged.ok) failed.push(errorText(purged));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (failed.length) toast(`${failed.length} could not be purged. ${failed[0]}`, "error");
    this.#load();
  }
}
