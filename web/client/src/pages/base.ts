// The blueprint that serves this file serves the jobs, too: below the same address, which may be another site's.

import { baseOfScript } from "../urls.ts";
import { setUsualBase } from "../usual.ts";

setUsualBase(baseOfScript(import.meta.url));
