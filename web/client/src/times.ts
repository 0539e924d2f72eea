// Moments in the person's own time. Without a script they are shown in UTC, as the server wrote them.

const FORM: Intl.DateTimeFormatOptions = { dateStyle: "long", timeStyle: "short" };

/** Shows all moments below an element as clocks show them here. */
export function showLocalTimes(root: ParentNode): void {
  for (const time of root.querySelectorAll("time")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) time.textContent = moment.toLocaleString("en-GB", FORM);
  }
}
