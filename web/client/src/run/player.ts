// Plays a job again: the state at the event that the scrubber is at, and time that goes by.

import { visible } from "../visible.ts";
import type { Playback } from "./playback.ts";
import type { RunWords } from "./words.ts";

/** A whole playback takes at most this long. */
const LONGEST_MS = 20_000;
/** For whom motion is to be little, the playback goes on by a step of this length. */
const STEP_MS = 1_000;
const SHOWN_ITEMS = 3;

export interface Player {
  play(): void;
  pause(): void;
  /** Goes to an event by its number, 0 before the first. */
  go(number: number): void;
}

type Part = (name: string) => HTMLElement;

/** `show` is told the moment that is shown. */
export function playerOf(playback: Playback, part: Part, words: RunWords, show: (time: number) => void): Player {
  const scrubber = part("scrubber") as HTMLInputElement;
  const [first, last] = [playback.times[0] ?? 0, playback.times.at(-1) ?? 0];
  const factor = Math.max(1, (last - first) / LONGEST_MS);
  let number = 0;
  let frame = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;

  const isPlaying = (): boolean => frame !== 0 || timer !== undefined;

  /** Draws once a frame, however many moves there are in it. */
  function request(): void {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      drawState();
    });
  }

  function drawState(): void {
    const state = playback.at(number);
    const time = playback.times[Math.max(0, number - 1)] ?? first;
    scrubber.value = String(number);
    const place = words.place(number, playback.length);
    const moment = `${words.clock(time - first)} · ${state?.status ?? "pending"} · ${words.counts(state?.progress ?? null)}`;
    scrubber.setAttribute("aria-valuetext", `${place}: ${moment}`);
    say("place", place);
    const phase = state?.progress?.phase;
    say("moment", phase ? `${moment} · ${phase.name}` : moment);
    say("note", state?.error?.message ?? state?.note?.text ?? "");
    const shown = (state?.itemsInProgress ?? []).slice(-SHOWN_ITEMS).map(({ label, itemId }) => label ?? itemId);
    drawItems(shown);
    show(time);
  }

  function say(name: string, told: string): void {
    if (part(name).textContent !== told) part(name).textContent = visible(told);
  }

  let drawn = "";

  function drawItems(shown: readonly string[]): void {
    const key = shown.join("\n");
    if (key === drawn) return;
    drawn = key;
    part("items").replaceChildren(...shown.map((label) => {
      const line = document.createElement("li");
      line.textContent = visible(label);
      return line;
    }));
  }

  function label(): void {
    part("play").textContent = isPlaying() ? words.pause : words.play;
  }

  function stop(): void {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = 0;
    timer = undefined;
  }

  function pause(): void {
    stop();
    label();
  }

  function go(to: number): void {
    number = Math.min(Math.max(0, to), playback.length);
    request();
  }

  function play(): void {
    stop();
    if (number >= playback.length) number = 0;
    const [began, from] = [performance.now(), playback.times[Math.max(0, number - 1)] ?? first];
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const next = (): void => {
      const time = from + (performance.now() - began) * factor;
      go(Math.max(number, playback.before(time)));
      stop();
      if (number >= playback.length) return label();
      later();
    };
    const later = (): void => {
      if (isCalm) timer = setTimeout(next, STEP_MS);
      else frame = requestAnimationFrame(next);
    };
    later();
    label();
  }

  scrubber.max = String(playback.length);
  scrubber.setAttribute("aria-label", words.moment);
  scrubber.oninput = () => {
    pause();
    go(Number(scrubber.value));
  };
  part("play").onclick = () => (isPlaying() ? pause() : play());
  for (const [name, by] of [["back", -1], ["on", 1]] as const) {
    part(name).setAttribute("aria-label", words[name]);
    part(name).onclick = () => {
      pause();
      go(number + by);
    };
  }
  go(playback.length);
  label();
  return { play, pause, go };
}
