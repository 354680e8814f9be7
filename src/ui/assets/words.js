/** Sentences for the stable words of the API. */

/** What a quality's reason means. @type {Record<string, string>} */
const REASONS = {
  ok: '',
  local_override: 'set by hand',
  restarted: 'kept from before a restart, not confirmed yet',
  link_quiet: 'the link is silent',
  stale: 'not confirmed in time',
  frozen: 'the source no longer changes',
  bad_source_time: 'the time stamp cannot be right',
  clock_drift: 'the clock there is off',
  reconnecting: 'the connection was just lost',
  catching_up: 'the link is back, its backlog is being applied',
  uncertain_source: 'the device is not sure',
  out_of_range: 'outside the range of the sensor',
  link_down: 'no communication with the node',
  adapter_down: 'no connection to the device',
  device_down: 'the device does not answer',
  bad_address: 'the device has no such address',
  device_error: 'the device answered with an error',
  bad_type: 'what the device sent has the wrong type',
  waiting: 'no value has arrived yet',
  out_of_service: 'switched off on purpose',
  misconfigured: 'the configuration is wrong',
};

/** @param {string} word a stable word that this page may not know */
export function reason(word) {
  return REASONS[word] ?? word.replaceAll('_', ' ');
}

/** Where there is little room: the stable word itself. @param {string} word */
function shortReason(word) {
  if (word === 'ok') return '';
  return word === 'waiting' ? 'no value yet' : word.replaceAll('_', ' ');
}

/** @param {import('./documents.js').Quality} quality */
export function shortWhy(quality) {
  const said = shortReason(quality.reason);
  return quality.hop ? `${said} (${quality.hop})` : said;
}

/**
 * The quality after its first word: why, and where.
 * @param {import('./documents.js').Quality} quality
 */
export function why(quality) {
  const said = reason(quality.reason);
  return quality.hop ? `${said}${said ? ' ' : ''}(${quality.hop})` : said;
}

/** Words that may get a capital letter; a name keeps its own. */
const BEGINNINGS = /^(the|a|an|this|that|no|not|cannot|it|there|what|nothing|nobody|next|trying|wait)\b/;

/** A text as a sentence of its own. @param {string} text */
export function asSentence(text) {
  const trimmed = text.trim();
  const first = BEGINNINGS.test(trimmed) ? trimmed.charAt(0).toUpperCase() + trimmed.slice(1) : trimmed;
  return /[.?!]$/.test(first) ? first : `${first}.`;
}

/**
 * What a thing is at: its sign, its grade, one sentence; then why, and what comes next.
 * @typedef {{icon: string, grade: string, sentence: string, more: string}} Standing
 * @typedef {{name: string, since: string, live: boolean, cause?: string, retry?: string,
 *   lag?: string}} Told
 * @typedef {(told: Told) => string} Say
 */

/** @type {Record<string, [string, string, Say]>} */
const LINKS = {
  live: ['good', 'good', ({ name, live }) => `${name} ${live ? 'is' : 'was'} live`],
  connecting: ['busy', 'uncertain', ({ name }) => `Connecting to ${name}`],
  snapshot: ['busy', 'uncertain', ({ name }) => `${name} is sending everything that it has`],
  replaying: ['busy', 'uncertain',
    ({ name, lag }) => `${name} is catching up${lag ? `: ${lag} to go` : ''}`],
  degraded: ['uncertain', 'uncertain', ({ name, since }) => `${name} is late since ${since}`],
  waiting: ['bad', 'bad', ({ name, since }) => `No communication with ${name} since ${since}`],
  refused: ['bad', 'bad', ({ name, since }) => `${name} refuses the link since ${since}`],
  resting: ['good', 'good', ({ name, live }) => `${name} ${live ? 'is' : 'was'} asked now and then`],
  unknown: ['old', 'uncertain', ({ name }) => `Nobody knows how ${name} is`],
  paused: ['off', 'off', ({ name, since }) => `The link to ${name} is switched off since ${since}`],
};

/** @type {Record<string, [string, string, Say]>} */
const ADAPTERS = {
  online: ['good', 'good', ({ name, live }) => `${name} ${live ? 'is' : 'was'} online`],
  connecting: LINKS.connecting,
  waiting: ['bad', 'bad', ({ name, since }) => `No connection to ${name} since ${since}`],
  refused: ['bad', 'bad', ({ name, since }) => `${name} refuses the connection since ${since}`],
  misconfigured: ['bad', 'bad', ({ name, since }) => `${name} is misconfigured since ${since}`],
  paused: ['off', 'off', ({ name, since }) => `${name} is switched off since ${since}`],
  stopped: ['off', 'off', ({ name, since }) => `${name} has ended at ${since}`],
};

/**
 * @param {Record<string, [string, string, Say]>} table
 * @param {string} state
 * @param {Told} told
 * @returns {Standing}
 */
function standing(table, state, told) {
  const [icon, grade, say] = table[state]
    ?? ['info', 'uncertain', ({ name, since }) => `${name} is ${state} since ${since}`];
  const { cause, retry } = grade === 'good' ? { cause: '', retry: '' } : told;
  const more = [cause, retry].filter(Boolean).map((text) => asSentence(text ?? '')).join(' ');
  // On a page that is not live no sign says that something is so now.
  return { icon: told.live ? icon : 'old', grade, sentence: say(told), more };
}

/** @param {string} state @param {Told} told */
export function linkStanding(state, told) {
  return standing(LINKS, state, told);
}

/** @param {string} state @param {Told} told */
export function adapterStanding(state, told) {
  return standing(ADAPTERS, state, told);
}

/** What a write's state at one node means. @type {Record<string, string>} */
export const STEPS = {
  accepted: 'took the write and committed it',
  forwarded: 'passed it on',
  applied: 'applied it: the device confirmed',
  rejected: 'refused it',
  expired: 'did not carry it out in time: nothing was changed',
  unknown: 'cannot tell whether it was carried out',
};

/** What became of a write, in one sentence. @type {Record<string, string>} */
export const OUTCOMES = {
  accepted: 'The write is on its way.',
  forwarded: 'The write is on its way.',
  applied: 'Applied. The device confirmed the new value.',
  rejected: 'Refused. The device is unchanged.',
  expired: 'Too late. The device is unchanged.',
  unknown: 'Unknown. Nobody can tell whether the device took it: look at the value.',
};
