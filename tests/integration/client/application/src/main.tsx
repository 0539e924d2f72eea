// An application that has installed the package from npm.

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { JobProgressElement } from "job-progress/element";
import "job-progress/element";
import type {} from "job-progress/jsx";
import { useJobProgress } from "job-progress/react";
import { StrictMode, useEffect, useRef, useState, version } from "react";
import { createRoot } from "react-dom/client";

const jobId = new URLSearchParams(location.search).get("job");

function Job() {
  const { progress, status } = useJobProgress(jobId);
  return <p id="hook">{`${status} ${progress?.done} of ${progress?.total}`}</p>;
}

function Element({ jobId }: { jobId: string }) {
  const [ended, setEnded] = useState("");
  const ref = useRef<JobProgressElement>(null);
  useEffect(() => {
    const element = ref.current!;
    const hear = ({ detail }: HTMLElementEventMap["job-end"]) => setEnded(detail.state.status);
    element.addEventListener("job-end", hear);
    return () => element.removeEventListener("job-end", hear);
  }, []);
  return (
    <>
      <job-progress ref={ref} job-id={jobId} label="A job" items="" class="wide" onjob-change={() => {}} />
      <p id="ended">{ended}</p>
    </>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={new QueryClient()}>
      <p id="version">React {version.split(".")[0]}</p>
      <Job />
      {jobId && <Element jobId={jobId} />}
    </QueryClientProvider>
  </StrictMode>,
);
