// Text that somebody else wrote, as it may be shown: the twin of web/visible.py.

// Control characters other than tab and line feed; those that embed, override or isolate a direction; those that
// divide lines and paragraphs.
const HIDDEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;

/** The text with its hidden letters as numbers, such as `[U+202E]`. */
export const visible = (text: string): string =>
  text.replace(HIDDEN, (found) => `[U+${found.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
