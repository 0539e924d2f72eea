// A page whose session is over shows nothing of its account.
//
// A tab cannot see that another one signed out, or that a session was ended elsewhere. So each page
// tells the others its account, and asks the site when another page has another account or none, when
// the page is looked at again, and when a stream was refused. A word of another tab is only a reason to ask.

import { showLocalTimes } from "../times.ts";

showLocalTimes(document);

const account = document.querySelector<HTMLMetaElement>('meta[name="job-progress-scope"]')?.content ?? "";
const tabs = new BroadcastChannel("earmark account");
let reasons = 0;

async function ask(): Promise<void> {
  // A reason that comes while an answer is awaited asks again: that answer may be of before.
  if (!account || reasons++) return;
  do {
    reasons = 1;
    await look();
  } while (reasons > 1);
  reasons = 0;
}

async function look(): Promise<void> {
  try {
    const answer = await fetch("/api/session", { cache: "no-store" });
    if (answer.status === 401 || (answer.ok && (await answer.json()).account !== account)) leave();
  } catch {
    // The site cannot be reached. The next reason asks again.
  }
}

function leave(): void {
  const shown = document.querySelector<HTMLTemplateElement>("#signed-out");
  if (!shown) return;
  document.body.replaceChildren(shown.content);
  // Back to this page, but not to what was searched for on it: somebody else may sit here by now.
  const link = document.querySelector<HTMLAnchorElement>("a.button");
  if (link) link.search = new URLSearchParams({ next: location.pathname }).toString();
  document.title = "Earmark";
  // An address may tell what was searched for.
  history.replaceState(null, "", "/");
}

tabs.onmessage = ({ data }) => {
  if (data !== account) void ask();
};
tabs.postMessage(account);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) void ask();
});
// From the cache of the Back button, as it was.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) void ask();
});
document.addEventListener("job-change", ({ detail: { connection } }) => {
  if (connection.state === "closed" && "status" in connection && connection.status === 401) void ask();
});
