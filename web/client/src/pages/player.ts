// Players of songs: one sound for the whole page, which each player's buttons start, stop and move.

import { drawn, type Drawing } from "./waveform";

interface Track { sound: string; title: string; volume: number; from: number; until: number | null }
interface Sample { title: string; artist: string | null; sound: string; start_seconds: number; seconds: number; volume: number }

const STEP_SECONDS = 10;
const TRIES = 8;
/** A sound that does not come for so long is said to be on its way. */
const LATE_MS = 700;
const LATE = "One moment: the song is on its way …";
const MAKING = "This song is being made ready …";

/** A player on the page, and what it needs to show where the sound is. */
interface Player {
  root: HTMLElement; track: Track; seconds: number;
  button: HTMLButtonElement; slider: HTMLInputElement; time: HTMLElement; told: HTMLElement; drawing: Drawing;
  samples: HTMLButtonElement[]; next: number;
}

const audio = new Audio();
const players = new Map<HTMLElement, Player>();
/** Whose sound it is now, what of it is played, and how often it was asked for. */
let now: { player: Player; track: Track; button: HTMLButtonElement; tries: number } | null = null;
let waiting: ReturnType<typeof setTimeout> | undefined;
let late: ReturnType<typeof setTimeout> | undefined;

/** Have the players of a page, which are plain until now, play in one sound. */
export function begin(): void {
  audio.preload = "none";
  for (const root of document.querySelectorAll<HTMLElement>("[data-player]")) players.set(root, furnished(root));
  if (!players.size) return;
  audio.addEventListener("timeupdate", moved);
  audio.addEventListener("durationchange", measured);
  audio.addEventListener("ended", stop);
  audio.addEventListener("error", () => { if (now) void failed(now); });
  for (const event of ["play", "pause", "playing", "waiting"]) audio.addEventListener(event, shown);
  audio.addEventListener("playing", came);
}

/** Stop what is played, unless it belongs to an element. */
export function stopOutside(element: Element | null): void {
  if (now && !element?.contains(now.player.root)) stop();
}

/** What a key does with the song of a card; whether it does anything. */
export function press(card: Element, key: string): boolean {
  const player = players.get(card.querySelector<HTMLElement>("[data-player]") ?? document.body);
  if (!player) return false;
  if (key === "p" || key === " ") toggle(player, player.track, player.button);
  else if (key === "s") void nextSample(player);
  else if (key === "arrowleft" || key === "arrowright") step(player, key === "arrowleft" ? -STEP_SECONDS : STEP_SECONDS);
  else return false;
  return true;
}

function furnished(root: HTMLElement): Player {
  const { sound = "", title = "", volume = "1", seconds = "0" } = root.dataset;
  const button = made("button", "second small play", "Play");
  button.setAttribute("aria-label", `Play ${title}`);
  const slider = made("input", "");
  const drawing = drawn();
  const player: Player = {
    root, seconds: Number(seconds), button, slider, drawing, samples: [], next: 0,
    track: { sound, title, volume: Number(volume), from: 0, until: null },
    time: made("span", "time"), told: made("p", "hint"),
  };
  Object.assign(slider, { type: "range", min: "0", step: "1", max: String(Math.max(1, Math.floor(player.seconds))), value: "0" });
  slider.setAttribute("aria-label", `Place in ${title}`);
  const place = made("span", "place");
  place.append(drawing.svg, slider);
  const controls = made("div", "controls");
  controls.append(button, place, player.time);
  player.told.setAttribute("role", "status");
  root.replaceChildren(controls, player.told);
  button.addEventListener("click", () => toggle(player, player.track, button));
  slider.addEventListener("input", () => jump(player, Number(slider.value)));
  if (root.dataset.listId) root.append(offer(player));
  showPlace(player, 0);
  return player;
}

function made<Name extends keyof HTMLElementTagNameMap>(name: Name, looks: string, text = ""): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  if (looks) element.className = looks;
  if (text) element.textContent = text;
  if (element instanceof HTMLButtonElement) element.type = "button";
  return element;
}

function offer(player: Player): HTMLElement {
  const row = made("p", "samples");
  const button = made("button", "quiet small", `Hear ${player.root.dataset.list ?? "the playlist"}`);
  button.addEventListener("click", () => void nextSample(player));
  row.append(button);
  return row;
}

/** Play the next song of the playlist, after the last the first again. */
async function nextSample(player: Player): Promise<void> {
  if (!player.samples.length) await fetchSamples(player);
  player.samples[player.next++ % player.samples.length]?.click();
}

async function fetchSamples(player: Player): Promise<void> {
  const row = player.root.querySelector(".samples");
  if (!row) return;
  const address = `${beside(player.track.sound, "samples")}?list=${player.root.dataset.listId}`;
  const found = await asked<{ samples: Sample[] }>(address).catch(() => null);
  if (!found?.samples.length) {
    player.told.textContent = found ? "No song of this playlist can be heard." : "The server cannot be reached. Try again.";
    return;
  }
  const hadFocus = row.contains(document.activeElement);
  player.samples = found.samples.map((sample) => sampleButton(player, sample));
  row.replaceChildren(made("span", "faint", `From ${player.root.dataset.list ?? "the playlist"}:`), ...player.samples);
  if (hadFocus) player.samples[0]?.focus();
}

function sampleButton(player: Player, sample: Sample): HTMLButtonElement {
  const name = sample.artist ? `${sample.title}, ${sample.artist}` : sample.title;
  const button = made("button", "quiet small play", sample.title);
  button.setAttribute("aria-label", `Play ten seconds of ${name}`);
  button.title = name;
  const until = sample.start_seconds + sample.seconds;
  const track = { sound: sample.sound, title: sample.title, volume: sample.volume, from: sample.start_seconds, until };
  button.addEventListener("click", () => {
    player.next = player.samples.indexOf(button) + 1;
    toggle(player, track, button);
  });
  return button;
}

/** The address of what else there is of a song. */
function beside(sound: string, what: "samples" | "waveform"): string {
  return sound.replace(/sound$/, what);
}

async function asked<Found>(address: string): Promise<Found> {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return await answer.json() as Found;
}

function toggle(player: Player, track: Track, button: HTMLButtonElement): void {
  if (now?.track !== track) return start(player, track, button);
  if (audio.paused) play(); else audio.pause();
}

function start(player: Player, track: Track, button: HTMLButtonElement, from = track.from): void {
  stop();
  now = { player, track, button, tries: 0 };
  player.told.textContent = "";
  load(track.sound, from);
  if (track === player.track) void outline(player);
}

function load(sound: string, from: number): void {
  audio.src = sound;
  audio.volume = now?.track.volume ?? 1;
  audio.currentTime = from;
  play();
}

function play(): void {
  clearTimeout(late);
  late = setTimeout(() => { if (now && !audio.paused && audio.readyState < 3) now.player.told.textContent = LATE; }, LATE_MS);
  // A browser refuses it where nobody has touched the page, and says so by this alone.
  audio.play().catch(() => shown());
}

/** The sound is there: nothing is left to say of it. */
function came(): void {
  clearTimeout(late);
  if (now) now.player.told.textContent = "";
}

function stop(): void {
  clearTimeout(waiting);
  came();
  const { player } = now ?? {};
  now = null;
  audio.pause();
  if (audio.hasAttribute("src")) {
    audio.removeAttribute("src");
    audio.load();
  }
  if (player) look(player);
}

function jump(player: Player, seconds: number): void {
  if (now?.track === player.track) audio.currentTime = seconds;
  else start(player, player.track, player.button, seconds);
  showPlace(player, seconds);
}

function step(player: Player, seconds: number): void {
  const at = now?.track === player.track ? audio.currentTime : 0;
  jump(player, Math.min(Math.max(0, at + seconds), Math.max(0, player.seconds - 1)));
}

/** Of a song that nobody has measured, its sound tells how long it is. */
function measured(): void {
  if (!now || now.track !== now.player.track || now.player.seconds || !Number.isFinite(audio.duration)) return;
  now.player.seconds = audio.duration;
  now.player.slider.max = String(Math.max(1, Math.floor(audio.duration)));
}

function moved(): void {
  if (!now) return;
  const { player, track } = now;
  if (track.until !== null && audio.currentTime >= track.until) stop();
  else if (track === player.track) showPlace(player, audio.currentTime);
}

function shown(): void {
  if (now) look(now.player);
}

/** Have each button of a player say what it does. */
function look(player: Player): void {
  for (const button of [player.button, ...player.samples]) {
    const plays = now?.button === button && !audio.paused;
    button.classList.toggle("playing", plays);
    const label = button.getAttribute("aria-label") ?? "";
    button.setAttribute("aria-label", label.replace(/^\w+/, plays ? "Pause" : "Play"));
    if (button === player.button) button.textContent = plays ? "Pause" : "Play";
  }
}

function showPlace(player: Player, seconds: number): void {
  const said = `${clock(seconds)} of ${clock(player.seconds)}`;
  player.slider.value = String(Math.floor(seconds));
  player.slider.setAttribute("aria-valuetext", said);
  player.time.textContent = player.seconds ? said.replace(" of ", " / ") : clock(seconds);
  player.drawing.show(player.seconds ? seconds / player.seconds : 0);
}

function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Ask why a sound does not come: try again later, in the form that every browser plays, or say why not. */
async function failed(was: NonNullable<typeof now>): Promise<void> {
  const { track, player } = was;
  const from = Math.max(audio.currentTime, track.from);
  // With a query it is MP3 already.
  const isMp3 = audio.src.includes("?");
  const answer = await fetch(audio.src, { headers: { Range: "bytes=0-0" } }).catch(() => null);
  if (now !== was) return;
  was.tries += 1;
  if (answer?.status === 503 && was.tries < TRIES) {
    player.told.textContent = MAKING;
    const seconds = Number(answer.headers.get("Retry-After")) || 2;
    waiting = setTimeout(() => load(audio.src || track.sound, from), seconds * 1000);
  } else if (answer?.ok && !isMp3) {
    load(`${track.sound}?as=mp3`, from);
  } else {
    const problem = answer && !answer.ok ? await answer.json().catch(() => null) as { detail?: string } | null : null;
    if (now === was) stop();
    player.told.textContent = problem?.detail ?? "This song cannot be played now. Try again.";
  }
}

async function outline(player: Player): Promise<void> {
  if (player.drawing.isWhole) return;
  for (let tries = 0; tries < TRIES && now?.player === player; tries += 1) {
    const found = await asked<{ peaks: number[] | null }>(beside(player.track.sound, "waveform")).catch(() => null);
    if (!found) return;
    if (found.peaks) return player.drawing.draw(found.peaks);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
