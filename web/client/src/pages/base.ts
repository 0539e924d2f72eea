// The blueprint that serves this file serves the jobs, too: below the same address, which may be another site's.

import { setUsualBase } from "../usual.ts";

const served = /^([^?#]*)\/api\/jobs\/[^/?#]*\.js/.exec(import.meta.url)?.[1];
// Pages that name no base share their connections with those that name their own site's.
if (served !== undefined) setUsualBase(served.replace(location.origin, ""));
