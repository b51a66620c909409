// Two videos in step. The longer one leads: its time is the time, and the other one is put right when it drifts; where
// the other one has ended, it rests on its last frame. `rate` is how many frames there are to a second.
const DRIFT = 0.06; // seconds that the two may be apart while they play

function compare(root) {
  const films = [...root.querySelectorAll('video')];
  const [stage, seek, wipe] = ['.stage', '.seek', '.wipe'].map((each) => root.querySelector(each));
  const [told, play, mode] = ['output', '[data-act=play]', '[data-act=mode]'].map((each) => root.querySelector(each));
  const frame = Number(seek.step);
  const end = (film) => Math.max(0, (film.duration || Infinity) - frame / 2); // before it is loaded, it begins where told
  const lead = () => (films[1].duration > films[0].duration ? films[1] : films[0]);
  const isPlaying = () => play.getAttribute('aria-pressed') === 'true';

  function tell() {
    const total = Number(seek.max);
    seek.value = lead().currentTime;
    told.textContent = `${Math.min(lead().currentTime, total).toFixed(2)} / ${total.toFixed(2)} s`;
  }

  function follow(film, time) {
    const wanted = Math.min(time, end(film));
    const isOver = time >= end(film);
    if (isOver) film.pause();
    else if (film.paused && isPlaying()) film.play().catch(() => {});
    if (!film.seeking && Math.abs(film.currentTime - wanted) > (isOver ? frame / 4 : DRIFT)) film.currentTime = wanted;
  }

  function go(time) {
    for (const film of films) film.currentTime = Math.min(Math.max(0, time), end(film));
  }

  function rest() {
    play.setAttribute('aria-pressed', 'false');
    for (const film of films) film.pause();
    go(lead().currentTime); // what is seen at rest belongs together to the frame
  }

  function step() {
    if (!root.isConnected || !isPlaying()) return;
    if (lead().ended || lead().currentTime >= end(lead())) go(0);
    for (const film of films) if (film !== lead()) follow(film, lead().currentTime);
    if (lead().paused) lead().play().catch(rest);
    tell();
    requestAnimationFrame(step);
  }

  const acts = {
    play() {
      if (isPlaying()) return rest();
      play.setAttribute('aria-pressed', 'true');
      requestAnimationFrame(step);
    },
    back() {
      rest();
      go(lead().currentTime - frame);
    },
    on() {
      rest();
      go(lead().currentTime + frame);
    },
    mode() {
      const isOver = stage.dataset.mode !== 'over';
      stage.dataset.mode = isOver ? 'over' : 'beside';
      mode.setAttribute('aria-pressed', isOver);
      wipe.disabled = !isOver;
    },
  };

  root.addEventListener('click', ({ target }) => acts[target.closest('[data-act]')?.dataset.act]?.());
  root.addEventListener('keydown', (event) => {
    if (event.target.matches('button, a')) return;
    if (event.key === ' ') acts.play();
    else if (event.target === stage && event.key === 'ArrowLeft') acts.back();
    else if (event.target === stage && event.key === 'ArrowRight') acts.on();
    else return;
    event.preventDefault();
  });
  seek.addEventListener('input', () => {
    rest();
    go(Number(seek.value));
  });
  wipe.addEventListener('input', () => stage.style.setProperty('--at', `${wipe.value}%`));
  stage.addEventListener('pointermove', (event) => {
    if (stage.dataset.mode !== 'over' || !event.buttons) return;
    const { left, width } = stage.getBoundingClientRect();
    wipe.value = (100 * (event.clientX - left)) / width;
    wipe.dispatchEvent(new Event('input'));
  });
  for (const film of films) film.addEventListener('seeked', () => isPlaying() || tell());
  for (const film of films) film.addEventListener('loadedmetadata', () => (seek.max = lead().duration || seek.max));
}

watch('value', () => {
  const root = element.querySelector('.compare');
  if (!root || root.dataset.ready) return;
  root.dataset.ready = 'yes';
  compare(root);
  root.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
});
