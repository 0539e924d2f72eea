// Counts and times as sentences.

export function counts(progress) {
  if (!progress) return "";
  const of = progress.total === null ? "" : ` of ${progress.total}`;
  const failed = progress.failed ? `, ${progress.failed} failed` : "";
  return `${progress.done}${of}${failed}`;
}

export function pace(progress) {
  const left = progress?.etaSeconds;
  if (left === undefined || left <= 0) return "";
  if (left < 60) return "less than a minute left";
  const minutes = Math.round(left / 60);
  if (minutes < 90) return `about ${minutes} minute${minutes === 1 ? "" : "s"} left`;
  return `about ${Math.round(minutes / 60)} hours left`;
}

export function phase(progress) {
  const now = progress?.phase;
  return now ? `Part ${now.index} of ${now.count}: ${now.name}` : "";
}
