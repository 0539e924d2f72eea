// The review of proposals: the page's own forms, sent without leaving the page, and its keys.

import * as player from "./player";

interface Told { message: string; undo: string | null; waiting: number; accepted: number; rejected: number }

const list = document.querySelector<HTMLUListElement>("#queue-list");
const told = document.querySelector<HTMLElement>("#told");
const beginButton = document.querySelector<HTMLButtonElement>('[data-part="begin"]');
/** What can be undone, the newest last: the card, where its undoing is sent to, and with which fields. */
const undone: { card: HTMLElement; address: string; fields: FormData }[] = [];
/** Requests are sent one after the other: the counts that come back are in the order of the decisions. */
let queue: Promise<unknown> = Promise.resolve();
let sending = 0;

player.begin();
if (list && told) begin(list, told);
document.querySelector<HTMLFormElement>('[data-part="half-way"]')?.requestSubmit();

function begin(list: HTMLUListElement, told: HTMLElement): void {
  list.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    const button = event.submitter as HTMLButtonElement | null;
    const card = form.closest<HTMLElement>("[data-song]");
    if (!card || !button) return;
    event.preventDefault();
    decide(list, told, card, form, button);
  });
  list.addEventListener("keydown", (event) => {
    const card = (event.target as Element).closest<HTMLElement>("[data-song]");
    if (!card || event.ctrlKey || event.metaKey || event.altKey || isMoving(event)) return;
    const key = event.key.toLowerCase();
    if ((key !== " " || event.target === card) && player.press(card, key)) event.preventDefault();
    else if (key === "j" || key === "arrowdown") go(card.nextElementSibling);
    else if (key === "k" || key === "arrowup") go(card.previousElementSibling);
    else if (key === "u") undo(list, told);
    else if (!press(card, key)) return;
    event.preventDefault();
  });
  list.addEventListener("focusin", (event) => player.stopOutside((event.target as Element).closest("[data-song]")));
  if (beginButton) {
    beginButton.hidden = false;
    beginButton.addEventListener("click", () => go(list.firstElementChild));
  }
  addEventListener("beforeunload", (event) => { if (sending) event.preventDefault(); });
}

/** Whether a key moves a slider, which knows the arrows itself. */
function isMoving(event: KeyboardEvent): boolean {
  return event.target instanceof HTMLInputElement && /^(Arrow|Home|End|Page)/.test(event.key);
}

function press(card: HTMLElement, key: string): boolean {
  if (!/^[arlo0-9]$/.test(key)) return false;
  const target = card.querySelector<HTMLElement>(`[data-key="${key}"]`);
  target?.click();
  return target !== null;
}

function go(card: Element | null): void {
  if (!(card instanceof HTMLElement)) return;
  card.focus();
  card.scrollIntoView({ block: "nearest" });
}

function decide(
  list: HTMLUListElement, told: HTMLElement, card: HTMLElement, form: HTMLFormElement, button: HTMLButtonElement,
): void {
  const fields = new FormData(form, button);
  const next = card.nextElementSibling ?? card.previousElementSibling;
  const before = card.nextElementSibling;
  player.stopOutside(null);
  card.remove();
  // At once, and without the server: what it says against it brings the card back.
  if (next) go(next); else told.focus();
  send(form.action, fields).then((answer) => {
    const takesUp = new FormData();
    for (const [name, value] of fields) if (name !== "verdict") takesUp.append(name, value);
    if (fields.get("verdict") === "later") takesUp.append("verdict", "take-up");
    const address = answer.undo ?? (fields.get("verdict") === "later" ? form.action : null);
    if (address) undone.push({ card, address, fields: takesUp });
    show(told, answer.message, address ? () => undo(list, told) : null);
    count(answer);
    if (!list.childElementCount) location.reload();
  }).catch((error: Error) => {
    list.insertBefore(card, before?.isConnected ? before : null);
    go(card);
    show(told, error.message, null);
  });
}

function undo(list: HTMLUListElement, told: HTMLElement): void {
  const last = undone.pop();
  if (!last) return show(told, "There is nothing to undo on this page. All decisions are on their own page.", null);
  send(last.address, last.fields).then((answer) => {
    list.prepend(last.card);
    go(last.card);
    show(told, answer.message, null);
    count(answer);
  }).catch((error: Error) => {
    undone.push(last);
    show(told, error.message, null);
  });
}

function send(address: string, fields: FormData): Promise<Told> {
  sending += 1;
  const sent = queue.then(() => answered(address, fields)).finally(() => { sending -= 1; });
  queue = sent.catch(() => undefined);
  return sent;
}

async function answered(address: string, fields: FormData): Promise<Told> {
  let answer: Response;
  try {
    const body = new URLSearchParams([...fields].map(([name, value]) => [name, String(value)]));
    answer = await fetch(address, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual" });
  } catch {
    throw new Error("The server cannot be reached. Nothing was decided; try again.");
  }
  if (answer.ok) return await answer.json() as Told;
  const detail = await answer.json().then((found: { detail?: string }) => found.detail, () => undefined);
  throw new Error(detail ?? (answer.type === "opaqueredirect" || answer.status === 401
    ? "You are signed out. Load the page again to sign in."
    : "That did not work. Load the page again, then try again."));
}

function count({ waiting, accepted, rejected }: Told): void {
  const words = { waiting: `${waiting.toLocaleString("en")} song${waiting === 1 ? "" : "s"}`, accepted, rejected };
  for (const [name, value] of Object.entries(words)) {
    const place = document.querySelector(`#counts [data-part="${name}"]`);
    if (place) place.textContent = value.toLocaleString("en");
  }
}

function show(told: HTMLElement, message: string, undo: (() => void) | null): void {
  told.hidden = false;
  told.tabIndex = -1;
  told.textContent = `${message} `;
  if (!undo) return;
  const button = document.createElement("button");
  button.className = "quiet small";
  button.textContent = "Undo";
  button.addEventListener("click", undo, { once: true });
  told.append(button);
}
