// Lets pulse.js keep this panel up to date. `props.about` says what it shows: null is nothing yet. `props.mark` is what
// it was told last; its event `changed` asks the server for all that has changed.
const panel = { element, props, trigger, version: '' };
(window.beating ??= new Map()).set(element.closest('.block').id, panel);
watch(['value', 'about', 'mark'], () => {
  panel.version = ''; // what came may be older than what the pulse has brought
  window.dispatchEvent(new Event('hurry'));
});
// What the scripts below watch, the pulse brings as well.
const watchServer = watch;
watch = (names, act) => {
  watchServer(names, act);
  element.addEventListener('beat', act);
};
