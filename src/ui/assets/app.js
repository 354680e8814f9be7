/** The page of a node: starts its parts, and draws what they know. */

import { showAdapters } from './adapters.js';
import { showAlarms } from './alarms.js';
import { onUnauthorized } from './api.js';
import { Catalogue } from './catalogue.js';
import { byId } from './dom.js';
import { showFrame } from './frame.js';
import { showLinks } from './links.js';
import { Live } from './live.js';
import { Liveness } from './liveness.js';
import { askForToken, prepareLogin } from './login.js';
import { Points } from './points.js';
import { forget, token } from './session.js';
import { Sheet } from './sheet.js';

/** Values on the screen change at most so often: a person reads, a table does not flicker. */
const DRAW_MS = 250;
const TICK_MS = 1000;

const catalogue = new Catalogue();
const liveness = new Liveness();
const sheet = new Sheet(/** @type {HTMLDialogElement} */ (byId('sheet')));
const isLive = () => liveness.state() === 'live';
const live = new Live({ catalogue, liveness, visible, changed: askToDraw });
const points = new Points(catalogue, (entry) => sheet.open(entry, isLive()),
  (scope) => live.narrow(scope));

let asked = false;
let drawn = -1;
let grown = -1;
let grownAt = 0;

/** Names whose age has to be right: those in view, and the one that is open. */
function visible() {
  const names = points.table.visible();
  return sheet.name ? [sheet.name, ...names.filter((name) => name !== sheet.name)] : names;
}

function askToDraw() {
  if (asked) return;
  asked = true;
  setTimeout(() => {
    asked = false;
    draw();
  }, DRAW_MS);
}

function draw() {
  const state = liveness.state();
  showFrame(live, liveness, state);
  if (byId('board').hidden) return;
  /** The node's clock, and whether what it says holds now. */
  const when = { now: live.now(), live: state === 'live' };
  showAlarms(live.lists.alarms);
  showLinks(live.lists.remotes, live.lists.topology, when);
  showAdapters(live.lists.adapters, when);
  const total = Math.max(live.node?.feed.points ?? 0, catalogue.entries.size);
  const more = live.more || catalogue.crowded;
  points.state({ live: state === 'live', more, total, scope: live.scope });
  if (drawn !== catalogue.version) points.show();
  drawn = catalogue.version;
  if (grown !== catalogue.version && performance.now() - grownAt >= TICK_MS) {
    points.showTree();
    grown = catalogue.version;
    grownAt = performance.now();
  }
  if (sheet.name) sheet.show(catalogue.entries.get(sheet.name), state === 'live');
}

function tick() {
  if (byId('board').hidden) return;
  draw();
  points.table.live = isLive();
  points.table.tick();
}

function enter() {
  byId('login').hidden = true;
  byId('board').hidden = false;
  byId('logout').hidden = false;
  void live.start();
  points.table.scroll.focus({ preventScroll: true });
  draw();
}

/** @param {string} why */
function leave(why) {
  forget();
  live.stop();
  liveness.reset();
  live.node = null;
  if (sheet.dialog.open) sheet.dialog.close();
  byId('logout').hidden = true;
  askForToken(why);
  draw();
  byId('pulse').textContent = '';
}

function wake() {
  if (token() !== null) live.tryNow();
}

onUnauthorized((error) => {
  // Several questions may fail with one token; the first says it.
  if (token() !== null) leave(`You were logged out: ${error.message}.`);
});
byId('logout').addEventListener('click', () => leave(''));
byId('banner-try').addEventListener('click', wake);
window.addEventListener('online', wake);
// A tab that slept shows at once that it did, and then asks.
document.addEventListener('visibilitychange', () => {
  tick();
  if (!document.hidden) wake();
});
setInterval(tick, TICK_MS);
prepareLogin(enter);
if (token()) enter();
else askForToken('');
