/* One dialog asks before anything that cannot be undone.

   `data-confirm="Question?"` on a button, link or form, with optional `data-confirm-action="Delete"`,
   `data-confirm-detail="…"` and `data-confirm-type="name to type"`. htmx requests wait for the answer too. */

export function ask({ question, detail = "", action = "Continue", type = "" }) {
  const dialog = document.getElementById("confirm-dialog");
  dialog.querySelector("[data-question]").textContent = question;
  dialog.querySelector("[data-detail]").textContent = detail;
  const button = dialog.querySelector("[data-accept]");
  button.textContent = action;
  const typed = dialog.querySelector("[data-typed]");
  typed.hidden = !type;
  const input = typed.querySelector("input");
  input.value = "";
  typed.querySelector("[data-expected]").textContent = type;
  const check = () => { button.disabled = Boolean(type) && input.value !== type; };
  input.oninput = check;
  check();
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "accept"), { once: true });
  });
}

export function installConfirmations() {
  document.addEventListener("submit", guardSubmit, true);
  document.addEventListener("click", guardLink, true);
  document.addEventListener("htmx:confirm", guardHtmx);
}

function describe(element) {
  const { confirm, confirmDetail, confirmAction, confirmType } = element.dataset;
  return { question: confirm, detail: confirmDetail, action: confirmAction, type: confirmType };
}

function guardSubmit(event) {
  const form = event.target;
  const source = event.submitter?.dataset.confirm ? event.submitter : form;
  if (!source.dataset.confirm || form.dataset.confirmed || isHtmx(source) || isHtmx(form)) return;
  event.preventDefault();
  event.stopPropagation();
  const submitter = event.submitter;
  ask(describe(source)).then((yes) => {
    if (!yes) return;
    form.dataset.confirmed = "1";
    form.requestSubmit(submitter);
    delete form.dataset.confirmed;
  });
}

function guardLink(event) {
  const link = event.target.closest("a[data-confirm]");
  if (!link || isHtmx(link)) return;
  event.preventDefault();
  ask(describe(link)).then((yes) => { if (yes) location.assign(link.href); });
}

function guardHtmx(event) {
  const source = event.target.closest("[data-confirm]");
  if (!source) return;
  event.preventDefault();
  ask(describe(source)).then((yes) => { if (yes) event.detail.issueRequest(true); });
}

function isHtmx(element) {
  return element.matches("[hx-post], [hx-delete], [hx-get], [hx-put], [hx-patch]");
}
