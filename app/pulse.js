// Asks the program how the panels of beat.js stand, as long as they can be seen, and shows it. Where the program does not
// answer, or is another one by now, the page says so.
(key) => {
  const PAUSES = { busy: 500, idle: 1500, hurry: 100 }; // milliseconds
  const PATIENCE = 5000; // until an event that was asked for and brought nothing is asked for again
  const MISSED = 3; // answers, until it is said
  const GONE = 'The program does not answer: it has ended, or is very busy. What it has made is kept.';
  const RESTARTED = 'The program has been started anew since this page was opened: load the page again.';
  let timer = null;
  let missed = 0;
  let isAsking = false;
  let isHurried = false;

  // Whether it would be seen if there were something in it: not on a tab that is closed.
  const isOpen = ({ element }) => element.closest('[role=tabpanel]')?.checkVisibility() ?? true;

  function tell(text, button = '') {
    let told = document.getElementById('lost');
    if (!text) return told?.remove();
    if (!told) {
      told = document.createElement('div');
      told.id = 'lost';
      told.setAttribute('role', 'alert');
      document.body.prepend(told);
    }
    if (told.dataset.text === text) return;
    told.dataset.text = text;
    told.innerHTML = `<p>${text}</p>${button}`;
    told.querySelector('button')?.addEventListener('click', () => window.location.reload());
  }

  function show(panel, { version, mark, properties }) {
    panel.version = version;
    if (properties) {
      Object.assign(panel.props, properties); // shown in a microtask
      queueMicrotask(() => panel.element.dispatchEvent(new Event('beat')));
    }
    const isNew = mark !== panel.asked || Date.now() - panel.askedAt > PATIENCE;
    if (!mark || mark === panel.props.mark || !isNew) return;
    Object.assign(panel, { asked: mark, askedAt: Date.now() });
    panel.trigger('changed', {});
  }

  async function ask() {
    const asked = new Map();
    for (const [name, panel] of window.beating || [])
      if (panel.props.about !== null && isOpen(panel)) asked.set(name, panel.props.about);
    const address = new URL('pulse', window.location.href);
    for (const [name, about] of asked)
      address.searchParams.append(name, `${about}~${window.beating.get(name).version}`);
    const response = await fetch(address, { headers: { 'x-pulse-key': key } });
    if (response.status === 403) return tell(RESTARTED, '<button type="button">Load the page again</button>');
    if (!response.ok) throw new Error(response.statusText);
    const { busy, panels } = await response.json();
    for (const [name, about] of asked) {
      const panel = window.beating.get(name);
      if (panel.props.about === about) show(panel, panels[name]);
    }
    missed = 0;
    tell('');
    return busy;
  }

  async function beat() {
    isAsking = true;
    isHurried = false;
    let pause = PAUSES.idle;
    try {
      if (await ask()) pause = PAUSES.busy;
    } catch {
      missed += 1;
      if (missed >= MISSED) tell(GONE);
    }
    isAsking = false;
    timer = setTimeout(beat, isHurried ? PAUSES.hurry : pause);
  }

  window.addEventListener('hurry', () => {
    if (isHurried) return;
    isHurried = true;
    if (isAsking) return; // then it is asked again soon after
    clearTimeout(timer);
    timer = setTimeout(beat, PAUSES.hurry);
  });
  beat();
}
