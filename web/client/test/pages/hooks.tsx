// A page of React's, with what a test asks for in its query.

import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { StrictMode, useState, version } from "react";
import { createRoot } from "react-dom/client";
import { useJobFeed, useJobProgress } from "../../src/react.ts";

const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
const jobs = new URLSearchParams(location.search).getAll("job");
const invalidate = [["songs"]];
let fetched = 0;

function Job({ jobId, items = true }: { jobId: string | null; items?: boolean }) {
  const { progress, status, currentItem, isConnected, attempts, error } = useJobProgress(jobId, { items, invalidate });
  return (
    <p data-job={jobId ?? "none"}>
      {status ?? "–"} {progress?.done ?? "–"} {currentItem?.label ?? "–"}{" "}
      {isConnected ? "connected" : "apart"} {attempts} {error?.code ?? "–"}
    </p>
  );
}

function Songs() {
  const { data } = useQuery({ queryKey: ["songs"], queryFn: async () => (fetched += 1) });
  return <p id="songs">{data ?? 0}</p>;
}

function Feed() {
  const { jobs, isConnected } = useJobFeed();
  return <p id="feed">{isConnected ? jobs.map(({ jobId, status }) => `${jobId} ${status}`).join(", ") : "apart"}</p>;
}

function App() {
  const [isShown, setShown] = useState(true);
  const [hasFeed, setFeed] = useState(false);
  return (
    <>
      <button onClick={() => setShown(!isShown)}>Jobs</button>
      <button onClick={() => setFeed(!hasFeed)}>Feed</button>
      <Songs />
      <Job jobId={null} />
      {isShown && jobs.map((jobId, at) => <Job key={at} jobId={jobId} />)}
      {hasFeed && <Feed />}
    </>
  );
}

Object.assign(globalThis, { queries, reactVersion: version });
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
