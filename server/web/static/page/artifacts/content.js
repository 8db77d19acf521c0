// From an artifact event's data to its bytes and its text: pure.

import { plain } from "../format.js";

/**
 * @typedef {object} Content
 * @property {string} name
 * @property {string} mediaType as it was given
 * @property {string | null} text null where the bytes are no UTF-8
 * @property {Uint8Array | null} bytes null where it came as text
 * @property {string} problem what is wrong with it, in words; "" of a good one
 */

/** @returns {Content} whatever the data hold: they are a workflow's own */
export function contentOf({ name, media_type: mediaType, text, base64 }) {
  const named = { name: plain(name) || "artifact", mediaType: plain(mediaType) };
  if (typeof text === "string") return { ...named, text, bytes: null, problem: "" };
  if (typeof base64 === "string") return { ...named, ...decoded(base64) };
  const problem = "It has neither text nor base64.";
  return { ...named, text: plain(text ?? base64), bytes: null, problem };
}

/** @returns {number} of bytes, found without decoding them */
export function sizeOf({ text, base64 }) {
  if (typeof text === "string") return utf8Length(text);
  if (typeof base64 !== "string") return 0;
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return Math.max(0, Math.floor((base64.length * 3) / 4) - padding);
}

/** @returns {string} 16 bytes a line: place, hexadecimal, and what is ASCII of them */
export function hexOf(bytes, most = 256) {
  const lines = [];
  for (let at = 0; at < Math.min(most, bytes.length); at += 16) {
    const row = [...bytes.subarray(at, Math.min(at + 16, most))];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0"));
    const halves = [hex.slice(0, 8).join(" "), hex.slice(8).join(" ")].join("  ").padEnd(48);
    const letters = row.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·"));
    lines.push(`${at.toString(16).padStart(4, "0")}  ${halves}  ${letters.join("")}`);
  }
  return lines.join("\n");
}

/** @returns {string} the bytes for a `data:` address */
export function toBase64(bytes) {
  const parts = [];
  // Not at once: so many arguments overflow the stack.
  for (let at = 0; at < bytes.length; at += 8192) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  }
  return btoa(parts.join(""));
}

function decoded(base64) {
  let letters;
  try {
    letters = atob(base64.replace(/-/g, "+").replace(/_/g, "/"));
  } catch {
    return { text: base64, bytes: null, problem: "Its base64 cannot be decoded." };
  }
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i += 1) bytes[i] = letters.charCodeAt(i);
  return { text: asText(bytes), bytes, problem: "" };
}

/** A text with NUL in it is taken for bytes: no text that people write has one. */
function asText(bytes) {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function utf8Length(text) {
  return new TextEncoder().encode(text).length;
}
