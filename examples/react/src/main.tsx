import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { useJobFeed, useJobProgress } from "job-progress/react";
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

interface JobRow {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly succeeded: number;
}

async function fetchJobs(): Promise<JobRow[]> {
  const answer = await fetch("/api/jobs?limit=10");
  if (answer.status === 401) throw new Error("Sign in to Earmark first, in another tab.");
  if (!answer.ok) throw new Error(`The jobs could not be read (${answer.status}).`);
  return (await answer.json()).jobs;
}

function App() {
  const [chosen, choose] = useState<string | null>(null);
  return (
    <>
      <h1>Jobs</h1>
      <Running choose={choose} />
      <Job jobId={chosen} />
      <Earlier chosen={chosen} choose={choose} />
    </>
  );
}

/** The active jobs: all of them over one connection. */
function Running({ choose }: { choose: (jobId: string) => void }) {
  const { jobs, isKnown } = useJobFeed();
  if (!isKnown) return null;
  if (!jobs.length) return <p>No job is running. Start one in Earmark, and watch it here.</p>;
  return (
    <ul aria-label="Running jobs">
      {jobs.map(({ jobId, status, progress }) => (
        <li key={jobId}>
          <button onClick={() => choose(jobId)}>Watch</button> {status} {progress?.done ?? 0}
          {progress?.total ? ` of ${progress.total}` : ""}
        </li>
      ))}
    </ul>
  );
}

/** One job, with its items. When it is over, the list below is read anew. */
function Job({ jobId }: { jobId: string | null }) {
  const { progress, status, currentItem, items, error, isConnected, attempts } = useJobProgress(jobId, {
    invalidate: [["jobs", "list"]],
  });
  if (!jobId || !status) return null;
  return (
    <section aria-label="Job">
      <p>
        <strong>{status}</strong> {isConnected ? "live" : attempts ? `not connected, try ${attempts}` : ""}
      </p>
      <progress value={progress?.fraction ?? undefined} />
      <p>
        {progress?.done ?? 0} of {progress?.total ?? "?"}
        {currentItem && <>: {currentItem.label ?? currentItem.itemId}</>}
      </p>
      {error && <p role="alert">{error.message}</p>}
      <ul aria-label="What did not work">
        {items.filter((item) => item.status === "failed").map((item) => (
          <li key={item.itemId}>{item.label ?? item.itemId}: {item.error}</li>
        ))}
      </ul>
    </section>
  );
}

function Earlier({ chosen, choose }: { chosen: string | null; choose: (jobId: string) => void }) {
  const { data, error } = useQuery({ queryKey: ["jobs", "list"], queryFn: fetchJobs, retry: false });
  if (error) return <p role="alert">{error.message}</p>;
  return (
    <ul aria-label="All jobs">
      {data?.map(({ id, kind, status, succeeded }) => (
        <li key={id} aria-current={id === chosen || undefined}>
          <button onClick={() => choose(id)}>{kind}</button> {status}, {succeeded} done
        </li>
      ))}
    </ul>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={new QueryClient()}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
