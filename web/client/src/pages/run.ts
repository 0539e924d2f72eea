// How a job went, on Earmark's page of a job.

import "../run/element.ts";
