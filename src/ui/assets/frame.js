/** The frame around everything: who answers, what time it is there, and whether this is live. */

import { byId, setAttribute, setText } from './dom.js';
import { clock, duration } from './format.js';
import { icon, setIcon } from './icons.js';

const pulseSign = icon('busy');

/** @type {Record<string, {word: string, icon: string}>} */
const PULSES = {
  live: { word: 'Live', icon: 'good' },
  opening: { word: 'Connecting', icon: 'busy' },
  dead: { word: 'Not live', icon: 'bad' },
};

/** @param {import('./live.js').Live} live */
function about(live) {
  const { node } = live;
  if (!node) return '';
  return [node.description, node.roles.join(', '), `mainstem ${node.version}`].filter(Boolean).join(' · ');
}

/**
 * @param {import('./live.js').Live} live
 * @param {import('./liveness.js').Liveness} liveness
 * @param {'live'|'opening'|'dead'} state
 */
export function showFrame(live, liveness, state) {
  const name = live.node?.name ?? '';
  setText(byId('node-name'), name);
  setText(byId('node-about'), about(live));
  const title = name ? `${name} · mainstem` : 'mainstem';
  const whole = state === 'dead' ? `(not live) ${title}` : title;
  if (document.title !== whole) document.title = whole;
  const pulse = byId('pulse');
  setAttribute(pulse, 'class', `pulse pulse-${state}`);
  const { word, icon: sign } = PULSES[state];
  if (pulse.textContent !== word) pulse.textContent = word;
  setIcon(pulseSign, sign);
  pulse.prepend(pulseSign);
  // A node that does not answer shows no time: its clock may stand still.
  const time = live.node && state === 'live' ? clock(new Date(live.now())) : '';
  setText(byId('clock'), time);
  const whose = 'The clock of the node, in the time zone of this device';
  setAttribute(byId('clock'), 'title', time ? whose : null);
  showBanner(liveness, state);
}

/** @param {import('./liveness.js').Liveness} liveness @param {string} state */
function showBanner(liveness, state) {
  const banner = byId('banner');
  banner.hidden = state !== 'dead';
  document.body.classList.toggle('dead', state === 'dead');
  if (state !== 'dead') return;
  const { lastLive, cause, retryAt } = liveness;
  setText(byId('banner-what'), lastLive === null ? 'Not live.'
    : `Not live since ${clock(new Date(lastLive))}. What you see is old.`);
  setText(byId('banner-why'), cause);
  const seconds = retryAt === null ? 0 : Math.ceil((retryAt - Date.now()) / 1000);
  setText(byId('banner-next'), seconds > 0 ? `Next try in ${duration(seconds)}` : 'Trying now');
}
