/** Numbers, times and durations as people read them. */

import { formatJson } from './json.js';

const GROUP = '\u202f';
const MINUS = '\u2212';
const DASH = '–';
/** Digits of a float in the table; the sheet shows all of them. */
const DIGITS = 5;
const TEXT_SHOWN = 160;

/** @param {number} number @param {number} width */
function pad(number, width = 2) {
  return String(number).padStart(width, '0');
}

/**
 * A value in a cell: short and steady in width.
 * @param {any} value
 * @param {string} [type] the declared type
 */
export function shortValue(value, type = '') {
  if (value === null || value === undefined) return DASH;
  if (typeof value === 'bigint') return grouped(value.toString());
  if (typeof value === 'number') return shortNumber(value);
  if (type === 'time' && typeof value === 'string') return moment(value);
  const text = typeof value === 'string' ? value : formatJson(value);
  return text.length > TEXT_SHOWN ? `${text.slice(0, TEXT_SHOWN)}…` : text;
}

/** A value with all its digits. @param {any} value */
export function wholeValue(value) {
  if (value === null || value === undefined) return 'no value yet';
  return typeof value === 'string' ? value : formatJson(value);
}

/** @param {number} value */
function shortNumber(value) {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return grouped(String(value));
  const size = Math.abs(value);
  if (size >= 1e9 || (size < 1e-4 && size > 0)) {
    return value.toExponential(DIGITS - 1).replace('e+', 'e').replaceAll('-', MINUS);
  }
  const whole = size >= 1 ? Math.floor(Math.log10(size)) + 1 : 1;
  const steady = value.toFixed(Math.max(0, DIGITS - whole));
  // What has few digits is shown as it is: a setpoint of 82.5 is not 82.500.
  const plain = String(value);
  return grouped(plain.length < steady.length ? plain : steady);
}

/** Groups of three, from five digits on. @param {string} text */
function grouped(text) {
  const [whole, fraction] = text.replace('-', '').split('.');
  const parts = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, GROUP) : whole;
  return `${text.startsWith('-') ? MINUS : ''}${parts}${fraction === undefined ? '' : `.${fraction}`}`;
}

/** A count. @param {number} number */
export function count(number) {
  return grouped(String(Math.round(number)));
}

/** `1 datapoint`, `2 datapoints`. @param {number} number @param {string} noun */
export function counted(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** How long ago, or how long until. @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 10) return `${minutes} min ${pad(whole % 60)} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${pad(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The same where there is little room: its largest unit only. @param {number} seconds */
export function shortDuration(seconds) {
  if (seconds < 60) return duration(seconds);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** A short time such as a round trip. @param {number} seconds */
export function tiny(seconds) {
  const size = Math.abs(seconds);
  const sign = seconds < 0 ? MINUS : '';
  if (size < 0.0995) return `${sign}${Number((size * 1000).toPrecision(2))} ms`;
  if (size < 1) return `${sign}${Math.round(size * 1000)} ms`;
  return size < 100 ? `${sign}${Number(size.toPrecision(3))} s` : `${sign}${duration(size)}`;
}

/** A clock's offset, always with its sign. @param {number} seconds */
export function signed(seconds) {
  return seconds < 0 ? tiny(seconds) : `+${tiny(seconds)}`;
}

/** Per second. @param {number} rate */
export function rate(rate) {
  if (rate >= 100 || Number.isInteger(rate)) return `${count(rate)}/s`;
  return `${rate.toFixed(1)}/s`;
}

/** Hours, minutes and seconds here. @param {Date} date */
export function clock(date) {
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** @param {Date} date */
function day(date) {
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** `14:03` today, with the day before that. @param {string} text RFC 3339 */
export function since(text) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text;
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  return day(date) === day(new Date()) ? time : `${day(date)} ${time}`;
}

/** A moment to the millisecond, without today's date. @param {string|null} text RFC 3339 */
export function moment(text) {
  if (!text) return DASH;
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text;
  const time = `${clock(date)}.${pad(date.getMilliseconds(), 3)}`;
  return day(date) === day(new Date()) ? time : `${day(date)} ${time}`;
}

/** A moment in full. @param {string|null} text RFC 3339 */
export function fullMoment(text) {
  if (!text) return 'never';
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : `${day(date)} ${moment(text).split(' ').pop()}`;
}
