// The state of a job after one more event: the twin of the fold in progress/snapshot.py.

export const TERMINAL = new Set(["completed", "failed", "cancelled"]);
const MAX_ITEMS = 20;

function begin(event) {
  return {
    type: "snapshot", jobId: event.jobId, at: event.at, attempt: event.attempt,
    status: "pending", progress: null, itemsInProgress: [], failedItems: [],
  };
}

export function reduce(snapshot, event) {
  if (event.type === "snapshot") return event;
  if (!["progress", "status", "item", "error"].includes(event.type)) return snapshot;
  let state = { ...(snapshot ?? begin(event)) };
  if (event.attempt > state.attempt) {
    state.itemsInProgress = [];
    state.failedItems = [];
    delete state.error;
  }
  state.at = event.at;
  state.attempt = event.attempt;
  if (event.type === "progress") state.progress = progressOf(event);
  if (event.type === "error") state.error = { message: event.message, code: event.code };
  if (event.type === "status") takeStatus(state, event);
  if (event.type === "item") takeItem(state, event);
  return state;
}

function progressOf({ type, jobId, at, attempt, ...progress }) {
  return progress;
}

function takeStatus(state, event) {
  state.status = event.status;
  delete state.reason;
  if (event.reason !== undefined) state.reason = event.reason;
  if (event.status === "running") state.startedAt ??= event.at;
  if (TERMINAL.has(event.status)) {
    state.finishedAt = event.at;
    state.itemsInProgress = [];
  }
}

function takeItem(state, { type, jobId, at, attempt, ...item }) {
  const others = (items) => items.filter((other) => other.itemId !== item.itemId);
  state.itemsInProgress = others(state.itemsInProgress);
  state.failedItems = others(state.failedItems);
  if (item.status === "in_progress") state.itemsInProgress = [...state.itemsInProgress, item].slice(-MAX_ITEMS);
  if (item.status === "failed") state.failedItems = [...state.failedItems, item].slice(-MAX_ITEMS);
}
