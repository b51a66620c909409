// Sets off this bundle's events (see bundle.py): once for all that it is told within SOON milliseconds.
const SOON = 50;
const EVENTS = ['typed', 'edited', 'bounded']; // Gradio makes an event of a name that stands in quotes
const name = element.closest('.block').id;
const waiting = new Set();
window.addEventListener('bundle', ({ detail: { bundle, what } }) => {
  if (bundle !== name || waiting.has(what) || !EVENTS.includes(what)) return;
  waiting.add(what);
  setTimeout(() => {
    waiting.delete(what);
    trigger(what);
  }, SOON);
});
