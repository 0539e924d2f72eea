// <job-progress> and <job-run> in JSX: types alone, for React 18 and 19. `import type {} from "job-progress/jsx"`

import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { JobRunAttributes, JobRunElement } from "./run/element.ts";
import type { JobProgressAttributes, JobProgressElement, JobProgressEventMap } from "./element.ts";

/** React 19 listens to what is named so; React 18 needs `addEventListener` on a ref. */
type Listeners = {
  [Name in keyof JobProgressEventMap as `on${Name}`]?: (event: JobProgressEventMap[Name]) => void;
};

type Props = DetailedHTMLProps<HTMLAttributes<JobProgressElement>, JobProgressElement> &
  JobProgressAttributes &
  Listeners & {
    /** React 18 knows no `className` of a custom element. */
    class?: string;
  };

type RunProps = DetailedHTMLProps<HTMLAttributes<JobRunElement>, JobRunElement> & JobRunAttributes & { class?: string };

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "job-progress": Props;
      "job-run": RunProps;
    }
  }
}
