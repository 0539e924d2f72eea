// All running jobs of the account, live, over one connection.

import { TERMINAL } from "./reduce.js";
import { counts } from "./words.js";

const rows = new Map([...document.querySelectorAll("[data-job]")].map((row) => [row.dataset.job, row]));

function show(job) {
  const row = rows.get(job.jobId);
  if (!row) return;
  if (job.progress) {
    const bar = row.querySelector("progress");
    if (job.progress.fraction === null) bar.removeAttribute("value");
    else bar.value = job.progress.fraction;
    row.querySelector('[data-part="counts"]').textContent = counts(job.progress);
  }
  const status = row.querySelector('[data-part="status"]');
  if (job.status && status) {
    status.textContent = job.status;
    status.className = `status ${job.status}`;
  }
}

if (rows.size) {
  const stream = new EventSource("/api/jobs/progress");
  stream.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (event.type === "feed") {
      event.jobs.forEach(show);
      // A job that ended before this page followed it is not among the active ones.
      const active = new Set(event.jobs.map((job) => job.jobId));
      if ([...rows.keys()].some((id) => !active.has(id)) && event.jobs.length + rows.size > 0) recheck(active);
      return;
    }
    if (event.type === "progress") show({ jobId: event.jobId, progress: event });
    if (event.type === "status") {
      show({ jobId: event.jobId, status: event.status });
      if (TERMINAL.has(event.status) && rows.has(event.jobId)) location.reload();
    }
  };
}

// The page was drawn before the feed was read: what is not active any more has ended between.
async function recheck(active) {
  for (const id of rows.keys()) {
    if (active.has(id)) continue;
    const answer = await fetch(`/api/jobs/${id}`);
    if (answer.ok && TERMINAL.has((await answer.json()).status)) {
      location.reload();
      return;
    }
  }
}
